//! The ids of the vocabulary; what they stand for is left to the modules that use them.

mod envelope_id;
mod guid;
mod message_id;
mod post_key;
mod room_uri;
mod sip_uri;
mod timestamp;

pub use envelope_id::{EnvelopeId, IdError};
pub use guid::{CategoryId, Guid, GuidError, RoomId};
pub use message_id::MessageId;
pub use post_key::{PostKey, PostKeyError};
pub use room_uri::{CategoryUri, RoomUri, UriError};
pub use sip_uri::{SipUri, SipUriError};
pub use timestamp::{Timestamp, TimestampError};

/// Serialises a type as its `Display` text and reads it back with `FromStr`.
macro_rules! serde_as_text {
    ($name:ty) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use serde_as_text;
