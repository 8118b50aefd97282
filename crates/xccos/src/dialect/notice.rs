//! Names of notices that were never seen. Their shapes: invite and the `getinv` reply share one shape;
//! kick is shaped like part, chanmodify like a room of a search, perms like join, quit is one `uib`.

/// The receiver was made a member (recalled).
pub const INVITED: &str = "invite";
/// The receiver lost the right to be in a room (recalled).
pub const KICKED: &str = "kick";
/// Properties of a room changed (recalled).
pub const ROOM_CHANGED: &str = "chanmodify";
/// Rights of participants changed (proposed).
pub const RIGHTS_CHANGED: &str = "perms";
/// A user's last session ended (recalled).
pub const QUIT: &str = "quit";
