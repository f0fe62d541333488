//! The groups of an audience: sorted lists of members by group name.

use std::collections::HashMap;

use super::{
    member::LiveMember,
    ranked::{Ranked, merged_from},
};
use crate::{AccountId, GroupId, Page, Window, model::audience::Listed};

/// Position in a group: by order of entry.
type GroupPosition = (i64, AccountId);

/// All groups of one audience.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// Members that named no group: they are in the group of the host's latest broadcast.
    own: Ranked<GroupPosition>,
    named: HashMap<GroupId, Ranked<GroupPosition>>,
}

impl Groups {
    pub(super) fn of<'a>(members: impl Iterator<Item = (AccountId, &'a LiveMember)>) -> Self {
        let mut groups = Self::default();
        members.for_each(|(account, member)| groups.insert(account, member));
        groups
    }

    pub(super) fn insert(&mut self, account: AccountId, member: &LiveMember) {
        let position = (member.position, account);
        match &member.listed {
            Listed::Nowhere => {}
            Listed::OwnGroup => self.own.insert(position),
            Listed::Group(name) => self.named.entry(name.clone()).or_default().insert(position),
        }
    }

    pub(super) fn remove(&mut self, account: AccountId, member: &LiveMember) {
        let position = (member.position, account);
        match &member.listed {
            Listed::Nowhere => {}
            Listed::OwnGroup => {
                self.own.remove(&position);
            }
            Listed::Group(name) => {
                if let Some(group) = self.named.get_mut(name) {
                    group.remove(&position);
                    if group.is_empty() {
                        self.named.remove(name);
                    }
                }
            }
        }
    }

    /// A page of a group. `own`: members that named no group belong to it as well.
    pub(super) fn page(&self, name: &str, own: bool, window: Window) -> Page<AccountId> {
        let none = Ranked::default();
        let named = self.named.get(name).unwrap_or(&none);
        let unnamed = if own { &self.own } else { &none };
        let items = merged_from(named, unnamed, window.offset).take(window.limit);
        Page { total: named.len() + unnamed.len(), items: items.map(|(_, account)| account).collect() }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        sync::{Arc, atomic::AtomicBool},
    };

    use proptest::prelude::*;

    use super::*;
    use crate::{
        Dialect, Role, UnixSeconds,
        model::clock::AtomicTime,
        read_model::{audience::Audience, member::MemberClock},
    };

    const NAMES: [&str; 3] = ["a", "b", "c"];

    fn listed() -> impl Strategy<Value = Listed> {
        prop_oneof![
            Just(Listed::Nowhere),
            Just(Listed::OwnGroup),
            (0..NAMES.len()).prop_map(|name| Listed::Group(NAMES[name].into())),
        ]
    }

    fn member(position: i64, listed: Listed) -> Arc<LiveMember> {
        Arc::new(LiveMember {
            user_id: "".into(),
            listed,
            role: Role::Viewer,
            dialect: Dialect::MinilvbV1,
            position,
            clock: MemberClock::Never,
            dirty: AtomicBool::new(false),
            scheduled_at: AtomicTime::new(UnixSeconds::MAX),
            anchor: None,
        })
    }

    proptest! {
        #[test]
        fn pages_of_a_group_are_its_members_in_order(
            steps in proptest::collection::vec((0..30_i64, proptest::option::of(listed())), 0..120),
            asked_first_after in 0..120_usize,
            limit in 1..7_usize,
        ) {
            let (mut audience, mut model) = (Audience::default(), BTreeMap::new());
            for (at, (account, step)) in steps.into_iter().enumerate() {
                let account = AccountId(account);
                if let Some(listed) = step {
                    let position = i64::try_from(at).unwrap();
                    let listed = audience.share(listed);
                    audience.insert(account, member(position, listed.clone()));
                    model.insert(account, (position, listed));
                } else {
                    audience.remove(account);
                    model.remove(&account);
                }
                if at < asked_first_after {
                    continue;
                }
                for (name, own) in NAMES.iter().flat_map(|name| [(name, false), (name, true)]) {
                    let mut expected: Vec<_> = model
                        .iter()
                        .filter(|(_, (_, listed))| match listed {
                            Listed::Nowhere => false,
                            Listed::OwnGroup => own,
                            Listed::Group(group) => **group == **name,
                        })
                        .map(|(account, (position, _))| (*position, *account))
                        .collect();
                    expected.sort_unstable();
                    let pages = (0..).map(|page| {
                        audience.group(name, own, Window { offset: page * limit, limit })
                    });
                    let mut joined = Vec::new();
                    for page in pages {
                        prop_assert_eq!(page.total, expected.len());
                        if page.items.is_empty() {
                            break;
                        }
                        joined.extend(page.items);
                    }
                    prop_assert_eq!(joined, expected.iter().map(|(_, account)| *account).collect::<Vec<_>>());
                }
            }
        }
    }
}
