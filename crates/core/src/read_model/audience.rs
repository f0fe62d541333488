//! The audience of one host.

use std::{
    collections::BTreeSet,
    sync::{Arc, OnceLock},
};

use super::{by_id::ById, group::Groups, member::LiveMember, ranked::Ranked};
use crate::{AccountId, Anchor, GroupId, Page, Role, Window, model::audience::Listed};

/// Position in the member list: the host first, then by order of entry.
type MemberPosition = (bool, i64, AccountId);

fn position(account: AccountId, member: &LiveMember) -> MemberPosition {
    (member.role != Role::Host, member.position, account)
}

/// One host's audience.
#[derive(Debug, Default)]
pub(crate) struct Audience {
    members: ById<AccountId, Arc<LiveMember>>,
    order: Ranked<MemberPosition>,
    /// The sub-anchors, in the order in which they joined.
    sub_anchors: BTreeSet<(i64, AccountId)>,
    /// The groups; made when a group is first listed.
    groups: OnceLock<Groups>,
    /// The group of the latest member, which nearly always is the group of all members.
    group: Option<GroupId>,
}

impl Audience {
    /// Replaces the name of a group by the shared copy of it, so that the members of a group share one text.
    pub(super) fn share(&mut self, listed: Listed) -> Listed {
        let Listed::Group(name) = listed else { return listed };
        let known = self.group.take().filter(|known| *known == name).unwrap_or(name);
        self.group = Some(known.clone());
        Listed::Group(known)
    }

    pub(crate) fn insert(&mut self, account: AccountId, member: Arc<LiveMember>) -> Option<Arc<LiveMember>> {
        let old = self.remove(account);
        self.order.insert(position(account, &member));
        if let Some(groups) = self.groups.get_mut() {
            groups.insert(account, &member);
        }
        self.sub_anchors.extend(member.anchor.as_ref().map(|anchor| (anchor.position, account)));
        self.members.insert(account, member);
        old
    }

    pub(crate) fn remove(&mut self, account: AccountId) -> Option<Arc<LiveMember>> {
        let old = self.members.remove(&account)?;
        self.order.remove(&position(account, &old));
        if let Some(anchor) = &old.anchor {
            self.sub_anchors.remove(&(anchor.position, account));
        }
        if let Some(groups) = self.groups.get_mut() {
            groups.remove(account, &old);
        }
        Some(old)
    }

    pub(crate) fn get(&self, account: AccountId) -> Option<&Arc<LiveMember>> {
        self.members.get(&account)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Number of members, the host included.
    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// Number of members without the host.
    pub(crate) fn viewers(&self) -> usize {
        let host_is_here = self.order.get(0).is_some_and(|(not_host, _, _)| !not_host);
        self.members.len() - usize::from(host_is_here)
    }

    /// The sub-anchors, in the order in which they joined.
    pub(crate) fn sub_anchors(&self) -> impl Iterator<Item = &Anchor> {
        let members = self.sub_anchors.iter().filter_map(|(_, account)| self.members.get(account));
        members.filter_map(|member| member.anchor.as_ref()).map(|anchor| &anchor.anchor)
    }

    pub(crate) fn page(&self, window: Window) -> impl Iterator<Item = &LiveMember> {
        self.order
            .from(window.offset)
            .take(window.limit)
            .filter_map(|(_, _, account)| self.members.get(&account).map(|it| &**it))
    }

    /// A page of the members of a group in order of entry. `own`: the group is that of the host's latest broadcast.
    pub(crate) fn group(&self, name: &str, own: bool, window: Window) -> Page<AccountId> {
        self.groups.get_or_init(|| Groups::of(self.members())).page(name, own, window)
    }

    pub(crate) fn accounts(&self) -> impl Iterator<Item = AccountId> {
        self.members.keys().copied()
    }

    pub(crate) fn into_members(self) -> impl Iterator<Item = (AccountId, Arc<LiveMember>)> {
        self.members.into_iter()
    }

    pub(super) fn members(&self) -> impl Iterator<Item = (AccountId, &LiveMember)> {
        self.members.iter().map(|(account, member)| (*account, &**member))
    }
}
