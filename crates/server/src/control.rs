//! Administration over a Unix socket: the requests and answers, the server's side and a client for programs.
//! The rules behind each change are left to `parlor_rooms`.

mod client;
mod error;
mod routes;
mod types;

pub use client::Client;
pub use parlor_control::{ClientError, ErrorBody, Lines};
pub(crate) use routes::router;
pub use types::{
    CategoryView, CreateCategory, CreateRoom, CreateUser, HistoryQuery, ListenerStatus, LiveEvent,
    PostMessage, PostView, Posted, RemovalView, RemovalsQuery, RemoveMessage, RemovedMessage, RoleChange,
    RoleName, RoomDetail, RoomStatus, RoomSummary, SetPassword, Status, StoreStatus, UpdateCategory,
    UpdateRoom, UpdateUser, UserKindName, UserView,
};
