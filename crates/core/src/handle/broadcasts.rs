//! Broadcasts: going on air and off, live lists, counters.

use super::core::Broadcasts;
use crate::{
    AccountId, Actor, Announcement, Broadcast, Counted, Error, OnAirFilter, Page, Report, Result, RoomNumber,
    Seconds, Step, UserId, Window,
    domain::broadcast::{close, open},
    model::counter::Counter,
    table::broadcasts,
};

impl Broadcasts<'_> {
    /// A page of the broadcasts on air, newest start first, with the number of all that match.
    pub async fn on_air(&self, filter: OnAirFilter, window: Window) -> Result<Page<Broadcast>> {
        self.0.expire_due().await?;
        let live = self.0.memory().live();
        Ok(Page { total: live.total(filter), items: live.page(filter, window) })
    }

    /// The broadcast that a room has on air.
    pub async fn of_room(&self, room: RoomNumber) -> Result<Option<Broadcast>> {
        self.0.expire_due().await?;
        let live = self.0.memory().live();
        Ok(live.host_of_room(room).and_then(|host| live.broadcast(host)))
    }

    /// The broadcast that a room has on air, which must exist.
    ///
    /// Errors: [`Error::NotOnAir`].
    pub async fn require_on_air(&self, room: RoomNumber) -> Result<Broadcast> {
        self.of_room(room).await?.ok_or(Error::NotOnAir)
    }

    /// The latest broadcast of a user, on air or not.
    pub async fn latest(&self, user_id: &UserId) -> Result<Option<Broadcast>> {
        self.0.expire_due().await?;
        {
            let live = self.0.memory().live();
            if let Some(on_air) = live.host_of_user(user_id).and_then(|host| live.broadcast(host)) {
                return Ok(Some(on_air));
            }
        }
        let user_id = user_id.clone();
        self.0.store().snapshot(move |conn| broadcasts::latest_of_user(conn, &user_id)).await
    }

    /// minilvb-v1: announces a live. The live replaces the host's broadcast, is not listed yet, and starts with counters 0.
    /// The user info of a guest becomes its profile.
    ///
    /// Errors: [`Error::ProofRequired`].
    pub async fn announce(&self, actor: Actor, announcement: Announcement) -> Result<Broadcast> {
        self.0.write(move |tx| open::announce(tx, &actor, &announcement)).await
    }

    /// minilvb-v1: puts the live that this dialect has announced on the air. Without effect if there is no such live.
    ///
    /// Errors: [`Error::ProofRequired`].
    pub async fn put_on_air(&self, actor: Actor) -> Result<()> {
        self.0.write(move |tx| open::put_announced_on_air(tx, &actor)).await
    }

    /// minilvb-v1: takes the host's broadcast, of any driver, off the air. Without effect if there is none.
    ///
    /// Errors: [`Error::ProofRequired`].
    pub async fn take_off_air(&self, actor: Actor) -> Result<()> {
        self.0.write(move |tx| close::suspend(tx, &actor)).await
    }

    /// sxb: prepares the caller's room and returns its number, which is always the same for an account. A broadcast on air
    /// ends; the room is not on air yet, and the caller is its only member.
    pub async fn prepare(&self, account: AccountId) -> Result<RoomNumber> {
        self.0.write(move |tx| open::prepare(tx, account)).await
    }

    /// sxb: puts the caller's room on the air with a new broadcast. The members stay if this dialect has prepared the room or
    /// had it on the air before.
    ///
    /// Errors: [`Error::NotRoomOwner`].
    pub async fn report(&self, account: AccountId, report: Report) -> Result<()> {
        self.0.write(move |tx| open::report(tx, account, &report)).await
    }

    /// qplus: the host pushes for `lease` more seconds. Opens a broadcast unless the room has one of this dialect on air.
    ///
    /// Errors: [`Error::NotRoomOwner`].
    pub async fn push(&self, account: AccountId, room: RoomNumber, lease: Seconds) -> Result<()> {
        let now = self.0.expire_due().await?;
        // A sibling may just have ended the broadcast, so with siblings the tables decide.
        if !self.0.has_siblings() && self.0.memory().beat_by_push(account, room, lease, now) {
            return Ok(());
        }
        self.0.write(move |tx| open::push(tx, account, room, lease)).await
    }

    /// qplus: the host stops; the broadcast on air, of any driver, ends.
    ///
    /// Errors: [`Error::NotRoomOwner`].
    pub async fn stop_push(&self, account: AccountId, room: RoomNumber) -> Result<()> {
        self.0.write(move |tx| close::stop_push(tx, account, room)).await
    }

    /// sxb: the caller ends its own live, or leaves the room of another host.
    pub async fn exit(&self, account: AccountId, room: Option<RoomNumber>) -> Result<()> {
        self.0.write(move |tx| close::exit(tx, account, room)).await
    }

    /// Adds a step to a counter of a user's latest broadcast, on air or not. Without effect if there is none.
    pub async fn count(&self, user_id: &UserId, counted: Counted, step: Step) -> Result<()> {
        self.0.count(Counter::Broadcast { user_id: user_id.clone(), counted }, step).await
    }
}
