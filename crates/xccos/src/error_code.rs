//! What can go wrong on the other side, with numbers and tokens of the wire and the phrases programs look for.

/// Reasons of a failed command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorCode {
    /// The participants of a room that is not large were asked for.
    #[error("cannot get the participant list: the room is not large")]
    CannotGetParticipantList,
    /// The store cannot be reached.
    #[error("the server cannot reach its database")]
    DatabaseConnection,
    /// A change was based on an old state.
    #[error("the data was changed by somebody else in the meantime")]
    DataCollision,
    /// The name of an add-in is taken.
    #[error("an add-in with this name exists")]
    DuplicateAddinName,
    /// The name of a room is taken.
    #[error("a room with this name exists")]
    DuplicateRoomName,
    /// An argument cannot be used.
    #[error("invalid argument")]
    InvalidArgument,
    /// Too large or too many.
    #[error("a limit of the server is exceeded")]
    LimitExceeded,
    /// The command is not known.
    #[error("the server does not support this message")]
    MessageNotSupported,
    /// The room is disabled.
    #[error("the room is disabled")]
    NodeDisabled,
    /// A room would be where rooms cannot be.
    #[error("rooms can be in categories only")]
    NodeHierarchyViolation,
    /// The user may not do that; programs look for "to perform".
    #[error("the user is not authorized to perform this operation")]
    Permission,
    /// There is no such room or category.
    #[error("no such room or category")]
    NoSuchNode,
    /// There is no such user or group.
    #[error("no such user or group")]
    NoSuchPrincipal,
    /// Role edit: somebody has the role already; programs look for this phrase.
    #[error("principals are already defined")]
    PrincipalsAlreadyDefined,
    /// Role edit: somebody is not in the category's scope.
    #[error("principals are not in the scope of the category")]
    PrincipalsNotInScope,
    /// Role edit: a presenter must be a member.
    #[error("a presenter is not in the member list")]
    PresenterNotInMemberList,
    /// Anything else on the server's side.
    #[error("the server failed")]
    ServerError,
    /// The user may not create rooms there.
    #[error("the user cannot create rooms in this category")]
    UnableToCreateRoom,
    /// The user is not in the room.
    #[error("the user has not joined the room")]
    UserNotJoined,
}

impl ErrorCode {
    /// The number on the wire.
    pub const fn code(self) -> u16 {
        self.wire().0
    }

    /// The token on the wire.
    pub const fn token(self) -> &'static str {
        self.wire().1
    }

    /// Reads number and text: the token decides, then the number; what is not known is [`ErrorCode::ServerError`].
    pub fn from_wire(code: u16, text: &str) -> Self {
        let token = text.split([' ', ':', '(']).next().unwrap_or_default();
        let by_token = Self::EVERY
            .iter()
            .find(|error| token.eq_ignore_ascii_case(error.token()));
        by_token
            .or_else(|| Self::EVERY.iter().find(|error| error.code() == code))
            .copied()
            .unwrap_or(Self::ServerError)
    }

    /// All of them; of those that share a number the most general one comes first.
    pub const EVERY: [Self; 19] = [
        Self::DatabaseConnection,
        Self::DataCollision,
        Self::DuplicateRoomName,
        Self::InvalidArgument,
        Self::Permission,
        Self::CannotGetParticipantList,
        Self::LimitExceeded,
        Self::MessageNotSupported,
        Self::NodeDisabled,
        Self::NodeHierarchyViolation,
        Self::NoSuchNode,
        Self::NoSuchPrincipal,
        Self::UnableToCreateRoom,
        Self::ServerError,
        Self::UserNotJoined,
        Self::PrincipalsAlreadyDefined,
        Self::PrincipalsNotInScope,
        Self::PresenterNotInMemberList,
        Self::DuplicateAddinName,
    ];

    const fn wire(self) -> (u16, &'static str) {
        match self {
            Self::DatabaseConnection => (503, "DB_CONNECTION"),
            Self::DataCollision => (409, "DATA_COLLISION"),
            Self::DuplicateRoomName => (409, "DUPLICATE_NAME"),
            Self::InvalidArgument => (400, "INVALID_ARGUMENT"),
            Self::CannotGetParticipantList => (403, "CANNOT_GET_PARTICIPANTS"),
            Self::LimitExceeded => (413, "LIMIT_EXCEEDED"),
            Self::MessageNotSupported => (501, "MSG_NOT_SUPPORTED"),
            Self::NodeDisabled => (410, "NODE_DISABLED"),
            Self::NodeHierarchyViolation => (403, "NODE_HIERARCHY_VIOLATION"),
            Self::Permission => (403, "ERROR_PERMISSION"),
            Self::NoSuchNode => (404, "NO_SUCH_NODE"),
            Self::NoSuchPrincipal => (404, "NO_SUCH_PRINCIPAL"),
            Self::UnableToCreateRoom => (403, "UNABLE_TO_CREATE"),
            Self::ServerError => (500, "SERVER_ERROR"),
            Self::UserNotJoined => (403, "USER_NOT_JOINED"),
            Self::PrincipalsAlreadyDefined => (409, "PRINCIPALS_DEFINED"),
            Self::PrincipalsNotInScope => (403, "NOT_IN_SCOPE"),
            Self::PresenterNotInMemberList => (403, "PRESENTER_NOT_MEMBER"),
            Self::DuplicateAddinName => (409, "DUPLICATE_ADDIN"),
        }
    }
}
