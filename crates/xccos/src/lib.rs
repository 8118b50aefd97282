//! The XCCOS vocabulary: ids, commands, replies, notices, posts and formatted parts, and their XML.
//!
//! Both sides of the wire use it: a server decodes commands and encodes replies, a client the reverse. SIP, rules
//! about who may do what, clocks and sockets are left to other crates; bytes and values come in as arguments.
//!
//! ```text
//! INFO body --decode()--> Envelope { id, items } --items--> Command | Reply | Notice | Post
//! INFO body <--Bytes----- encode::reply / notices / post / commands
//! ```
//!
//! Reading is lenient (case, prefixes, unknown elements and attributes), writing is strict. Names and shapes that were
//! never seen on a real wire are in [`dialect`], so that one trace can correct them in one place.

mod command;
mod decode;
pub mod dialect;
pub mod encode;
mod envelope;
mod error_code;
pub mod format;
mod ids;
mod notice;
mod participant;
mod post;
mod reply;
mod room_info;
mod xml;

pub use command::{AssociationRole, Command, CommandName, InfoMask, Preference, RoomSearch};
pub use decode::{DecodeError, MAX_PARTICIPANTS, MAX_PRIMITIVES, decode};
pub use encode::{EncodeError, EncodeOptions};
pub use envelope::{
    CommandRef, Envelope, Fault, InvalidPrimitive, NumberedCommand, NumberedPost, Primitive, PrimitiveKind,
};
pub use error_code::ErrorCode;
pub use ids::{
    CategoryId, CategoryUri, EnvelopeId, Guid, GuidError, IdError, MessageId, PostKey, PostKeyError, RoomId,
    RoomUri, SipUri, SipUriError, Timestamp, TimestampError, UriError,
};
pub use notice::{Arrival, Notice};
pub use participant::{Participant, Rights};
pub use post::Post;
pub use reply::{Invitation, JoinedRoom, Posted, Reply, ReplyData, ServerInfo};
pub use room_info::{Behavior, Privacy, RoomInfo, UnknownWord};
pub use xml::{MAX_ATTRIBUTES, MAX_DEPTH, MAX_DOCUMENT, XmlError};
