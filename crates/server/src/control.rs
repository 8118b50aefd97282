//! Administration over a Unix socket: the requests and answers, the server's side and a client for programs.
//! The rules behind each change are left to `parlor_rooms`.

mod client;
mod error;
mod routes;
mod socket;
mod types;

pub use client::{Client, ClientError, Live};
pub(crate) use socket::ControlSocket;
pub use types::{
    CategoryView, CreateCategory, CreateRoom, CreateUser, ErrorBody, HistoryQuery, ListenerStatus, LiveEvent,
    PostMessage, PostView, Posted, RoleChange, RoleName, RoomDetail, RoomStatus, RoomSummary, SetPassword,
    Status, StoreStatus, UpdateCategory, UpdateRoom, UpdateUser, UserKindName, UserView,
};
