//! Every name and shape that was never seen on a real wire: recalled from the open specification or proposed to fit it.
//!
//! One real trace may correct any of them, and this is the place to do it; the golden tests of `tests/xccos/dialect.rs` show
//! what changes. What was seen is written by [`crate::encode`] itself. Standing of each, from the fact sheet:
//!
//! | item | standing |
//! |---|---|
//! | `grpchat/@alert`, `@authdisp`, `@chatId`, `rtf`; `uib/@disp`; `chanib/@parent`, `@behavior`, `@disabled` | recalled |
//! | `qib/@matchAll`, `@matchExactPhrase`, `@maxResults` | recalled |
//! | `getassociations` request | name seen, attributes recalled |
//! | `sib/@displayName`, `@roomManagementUrl`, their bits 128 and 256 | concept seen, names proposed |
//! | `info` visibility values `scoped` and `open` | proposed, from words of the original's tables |
//! | `bcbymsg` with `limit` and `msgid`; `chanib/@total`, `@exceeded` in its reply | name recalled, shape proposed |
//! | `getinv` reply, `ntc:invite`, `ntc:kick`, `ntc:chanmodify`, `ntc:quit` | names recalled (low), shapes proposed |
//! | `ntc:perms`, `getparticipants`, `rpl:grpchat`, `@postKey`, `@postKeys` | proposed |
//! | numbers and tokens of [`crate::ErrorCode`] other than 200 | proposed |

pub(crate) mod associations;
pub mod attribute;
pub(crate) mod history;
pub(crate) mod invitations;
pub mod notice;
pub(crate) mod posted;
