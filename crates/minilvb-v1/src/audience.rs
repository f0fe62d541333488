//! The audience of a live or of a recording: `EnterGroup`, `QuitGroup`, `FetchGroupMemberList`.

use relive_core::{FileId, GroupId, GroupMember, MemberNames, Page, UserId, Window};
use serde::Serialize;

use crate::{
    code::Refusal,
    envelope::Done,
    fields::{FILE_ID, Fields, NICKNAME, URL},
    identity::Context,
};

/// An audience: of the host's live with an IM group, or of one of the host's recordings.
enum Audience {
    Live(GroupId),
    Recording(FileId),
}

/// An audience and its host.
struct Group {
    host: UserId,
    audience: Audience,
}

impl<'a> TryFrom<Fields<'a>> for Group {
    type Error = Refusal;

    fn try_from(fields: Fields<'a>) -> Result<Self, Refusal> {
        let (host, id) = (fields.user_id("liveuserid")?, fields.required("groupid", FILE_ID)?);
        let audience = match fields.integer("flag")? {
            0 => Audience::Live(id.into()),
            1 => Audience::Recording(id.into()),
            _ => return Err(Refusal::value("flag")),
        };
        Ok(Self { host, audience })
    }
}

/// Request of `EnterGroup`.
pub(crate) struct EnterGroup {
    user_id: UserId,
    names: MemberNames,
    group: Group,
}

impl<'a> TryFrom<Fields<'a>> for EnterGroup {
    type Error = Refusal;

    fn try_from(fields: Fields<'a>) -> Result<Self, Refusal> {
        Ok(Self {
            user_id: fields.user_id("userid")?,
            names: MemberNames {
                nickname: fields.optional("nickname", NICKNAME)?.into_owned(),
                avatar: fields.optional("headpic", URL)?.into_owned(),
            },
            group: fields.try_into()?,
        })
    }
}

/// Adds the user to the audience, even if there is no such live or recording, as the original server did.
pub(crate) async fn enter(cx: &Context<'_>, request: EnterGroup) -> Result<Done, Refusal> {
    let EnterGroup { user_id, names, group: Group { host, audience } } = request;
    let (viewer, audiences) = (cx.actor(&user_id).await?, cx.core.audiences());
    match audience {
        Audience::Live(group) => audiences.enter_group(viewer, &host, &group, names).await?,
        Audience::Recording(file_id) => audiences.enter_recording(viewer, &host, &file_id, names).await?,
    }
    Ok(Done)
}

/// Request of `QuitGroup`.
pub(crate) struct QuitGroup {
    user_id: UserId,
    group: Group,
}

impl<'a> TryFrom<Fields<'a>> for QuitGroup {
    type Error = Refusal;

    fn try_from(fields: Fields<'a>) -> Result<Self, Refusal> {
        Ok(Self { user_id: fields.user_id("userid")?, group: fields.try_into()? })
    }
}

/// Removes the user from the audience. Idempotent.
pub(crate) async fn quit(cx: &Context<'_>, request: QuitGroup) -> Result<Done, Refusal> {
    let QuitGroup { user_id, group: Group { host, audience } } = request;
    let (viewer, audiences) = (cx.actor(&user_id).await?, cx.core.audiences());
    match audience {
        Audience::Live(group) => audiences.quit_group(viewer, &host, &group).await?,
        Audience::Recording(file_id) => audiences.quit_recording(viewer, &host, &file_id).await?,
    }
    Ok(Done)
}

/// Request of `FetchGroupMemberList`. It has no `flag`: the id alone selects the audience.
pub(crate) struct FetchMembers {
    host: UserId,
    group: GroupId,
    window: Window,
}

impl<'a> TryFrom<Fields<'a>> for FetchMembers {
    type Error = Refusal;

    fn try_from(fields: Fields<'a>) -> Result<Self, Refusal> {
        Ok(Self {
            host: fields.user_id("liveuserid")?,
            group: fields.required("groupid", FILE_ID)?.into(),
            window: fields.page()?,
        })
    }
}

/// A page of the members, in order of entry.
#[derive(Serialize)]
pub(crate) struct MemberList {
    totalcount: usize,
    memberlist: Vec<MemberInfo>,
}

#[derive(Serialize)]
struct MemberInfo {
    userid: UserId,
    nickname: String,
    headpic: String,
}

impl From<Page<GroupMember>> for MemberList {
    fn from(page: Page<GroupMember>) -> Self {
        let member = |GroupMember { user_id, nickname, avatar }| MemberInfo {
            userid: user_id,
            nickname,
            headpic: avatar,
        };
        Self { totalcount: page.total, memberlist: page.items.into_iter().map(member).collect() }
    }
}

/// Returns a page of the members of an audience.
pub(crate) async fn members(cx: &Context<'_>, request: FetchMembers) -> Result<MemberList, Refusal> {
    Ok(cx.core.audiences().group(&request.host, &request.group, request.window).await?.into())
}
