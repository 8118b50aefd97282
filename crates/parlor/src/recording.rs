//! Wire recordings: what `--trace-sip` writes and `parlor trace` reads, one JSON document a line. Masking secrets is
//! done before, by `parlor_net`.

mod layer;
mod line;
mod recorder;

pub(crate) use layer::RecordingLayer;
pub(crate) use line::{Head, Line, Record, What};
pub(crate) use recorder::{Recorder, RecorderError};
