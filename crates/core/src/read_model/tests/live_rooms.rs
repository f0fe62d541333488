//! The operations of RoomService in the property test.

use std::sync::Arc;

use proptest::prelude::*;

use super::{operation::USERS, runner::Runner};
use crate::{
    AnchorNames, Error, FieldChange, FieldValue, GroupId, Result, RoomTexts, Session,
    model::live_room::generated,
};

/// Ids of rooms that belong to nobody. The first one is a group of minilvb-v1 too, the second one differs from it in ASCII
/// case only.
const FREE_IDS: [&str; 3] = ["g-0", "G-0", "room_0000abcd_0001"];

/// The id of a room.
#[derive(Debug, Clone, Copy)]
pub(super) enum Id {
    /// The id of a user.
    Name(usize),
    /// The number of a user's room.
    Number(usize),
    Free(usize),
    /// A random id, or for a new room the one that the server makes.
    Generated,
}

/// An operation. The first number is the acting user or a session, which may be over.
#[derive(Debug, Clone, Copy)]
pub(super) enum RoomOperation {
    Create(usize, Id),
    /// Enters as an anchor.
    Enter(usize, Id),
    Beat(usize, Id),
    Leave(usize, Id),
    Destroy(usize, Id),
    Watch(usize, Id),
    Unwatch(usize, Id),
    /// A custom field and one of the changes.
    Change(usize, Id, usize, usize),
    Like(Id, i64),
}

/// Any operation. Most of them concern a room under the name or the number of its user, so that many users meet.
pub(super) fn room_operations() -> impl Strategy<Value = RoomOperation> {
    let user = || 0..USERS.len();
    let session = || any::<prop::sample::Index>().prop_map(|session| session.index(1_000));
    let id = || {
        prop_oneof![
            4 => user().prop_map(Id::Name),
            3 => user().prop_map(Id::Number),
            2 => (0..FREE_IDS.len()).prop_map(Id::Free),
            1 => Just(Id::Generated),
        ]
    };
    prop_oneof![
        4 => (user(), id()).prop_map(|(user, id)| RoomOperation::Create(user, id)),
        8 => (session(), id()).prop_map(|(session, id)| RoomOperation::Enter(session, id)),
        4 => (user(), id()).prop_map(|(user, id)| RoomOperation::Beat(user, id)),
        2 => (user(), id()).prop_map(|(user, id)| RoomOperation::Leave(user, id)),
        1 => (user(), id()).prop_map(|(user, id)| RoomOperation::Destroy(user, id)),
        4 => (session(), id()).prop_map(|(session, id)| RoomOperation::Watch(session, id)),
        1 => (user(), id()).prop_map(|(user, id)| RoomOperation::Unwatch(user, id)),
        3 => (user(), id(), 0..3_usize, 0..4_usize)
            .prop_map(|(user, id, field, change)| RoomOperation::Change(user, id, field, change)),
        2 => (id(), prop_oneof![Just(1_i64), Just(10), Just(-2)]).prop_map(|(id, by)| RoomOperation::Like(id, by)),
    ]
}

impl Runner {
    fn room_id(&self, id: Id) -> GroupId {
        match id {
            Id::Name(user) => USERS[user].into(),
            Id::Number(user) => self.rooms[user].to_string().into(),
            Id::Free(at) => FREE_IDS[at].into(),
            Id::Generated => generated("room", self.core.random()).into(),
        }
    }

    fn room_session(&self, index: usize) -> Result<Arc<Session>> {
        let session = self.room_sessions.get(index % self.room_sessions.len().max(1));
        session.map(Arc::clone).ok_or(Error::InvalidSession)
    }

    /// Performs an operation, which may be refused.
    pub(super) async fn perform_in_room(&mut self, operation: RoomOperation) -> Result<()> {
        let core = self.core.clone();
        let rooms = core.live_rooms();
        match operation {
            RoomOperation::Create(user, id) => {
                let wanted = (!matches!(id, Id::Generated)).then(|| self.room_id(id));
                let title = format!("by RoomService at {}", core.now());
                let texts = RoomTexts { info: title.clone(), title, ..RoomTexts::default() };
                rooms.create(self.ids[user], wanted, texts).await.map(drop)
            }
            RoomOperation::Enter(session, id) => {
                let session = self.room_session(session)?;
                let stream = rooms.stream(session.account()).await?;
                let names = AnchorNames { nickname: format!("at {}", core.now()), ..AnchorNames::default() };
                rooms.enter(&session, self.room_id(id), stream, names, RoomTexts::default()).await
            }
            RoomOperation::Beat(user, id) => rooms.beat(self.ids[user], &self.room_id(id)).await.map(drop),
            RoomOperation::Leave(user, id) => rooms.leave(self.ids[user], self.room_id(id)).await,
            RoomOperation::Destroy(user, id) => rooms.destroy(self.ids[user], self.room_id(id)).await,
            RoomOperation::Watch(session, id) => {
                let session = self.room_session(session)?;
                let names = AnchorNames::default();
                rooms.watch(&session, self.room_id(id), Some("viewer".to_owned()), names).await
            }
            RoomOperation::Unwatch(user, id) => rooms.unwatch(self.ids[user], self.room_id(id)).await,
            RoomOperation::Change(user, id, field, change) => {
                let change = match change {
                    0 => FieldChange::Add(1),
                    1 => FieldChange::Add(-7),
                    2 => FieldChange::Set(FieldValue::Number(5)),
                    _ => FieldChange::Set(FieldValue::Text("tea".to_owned())),
                };
                rooms.change_field(self.ids[user], self.room_id(id), format!("field {field}"), change).await
            }
            RoomOperation::Like(id, by) => rooms.like(&self.room_id(id), by).await,
        }
    }
}
