//! The audience of a live or of a recording: `EnterGroup`, `QuitGroup`, `FetchGroupMemberList`.

use std::borrow::Cow;

use relive_core::{GroupMember, MemberNames, Page, Window};
use serde::Serialize;

use crate::{
    code::Refusal,
    envelope::Done,
    fields::{FILE_ID, Fields, NICKNAME, URL, USER_ID},
    identity::Context,
};

/// An audience: of the host's live with an IM group, or of one of the host's recordings.
struct Group<'a> {
    host: Cow<'a, str>,
    /// IM group of a live, file id of a recording.
    id: Cow<'a, str>,
    of_recording: bool,
}

impl<'a> TryFrom<Fields<'a>> for Group<'a> {
    type Error = Refusal;

    fn try_from(fields: Fields<'a>) -> Result<Self, Refusal> {
        let (host, id) = (fields.required("liveuserid", USER_ID)?, fields.required("groupid", FILE_ID)?);
        let of_recording = match fields.integer("flag")? {
            0 => false,
            1 => true,
            _ => return Err(Refusal::value("flag")),
        };
        Ok(Self { host, id, of_recording })
    }
}

/// Request of `EnterGroup`.
pub(crate) struct EnterGroup<'a> {
    user_id: Cow<'a, str>,
    names: MemberNames,
    group: Group<'a>,
}

impl<'a> TryFrom<Fields<'a>> for EnterGroup<'a> {
    type Error = Refusal;

    fn try_from(fields: Fields<'a>) -> Result<Self, Refusal> {
        Ok(Self {
            user_id: fields.required("userid", USER_ID)?,
            names: MemberNames {
                nickname: fields.optional("nickname", NICKNAME)?.into_owned(),
                avatar: fields.optional("headpic", URL)?.into_owned(),
            },
            group: fields.try_into()?,
        })
    }
}

/// Adds the user to the audience, even if there is no such live or recording, as the original server did.
pub(crate) async fn enter(cx: &Context<'_>, request: EnterGroup<'_>) -> Result<Done, Refusal> {
    let EnterGroup { user_id, names, group: Group { host, id, of_recording } } = request;
    let (viewer, audiences) = (cx.actor(&user_id).await?, cx.core.audiences());
    if of_recording {
        audiences.enter_recording(viewer, &host, &id, names).await?;
    } else {
        audiences.enter_group(viewer, &host, &id, names).await?;
    }
    Ok(Done)
}

/// Request of `QuitGroup`.
pub(crate) struct QuitGroup<'a> {
    user_id: Cow<'a, str>,
    group: Group<'a>,
}

impl<'a> TryFrom<Fields<'a>> for QuitGroup<'a> {
    type Error = Refusal;

    fn try_from(fields: Fields<'a>) -> Result<Self, Refusal> {
        Ok(Self { user_id: fields.required("userid", USER_ID)?, group: fields.try_into()? })
    }
}

/// Removes the user from the audience. Idempotent.
pub(crate) async fn quit(cx: &Context<'_>, request: QuitGroup<'_>) -> Result<Done, Refusal> {
    let QuitGroup { user_id, group: Group { host, id, of_recording } } = request;
    let (viewer, audiences) = (cx.actor(&user_id).await?, cx.core.audiences());
    if of_recording {
        audiences.quit_recording(viewer, &host, &id).await?;
    } else {
        audiences.quit_group(viewer, &host, &id).await?;
    }
    Ok(Done)
}

/// Request of `FetchGroupMemberList`. It has no `flag`: the id alone selects the audience.
pub(crate) struct FetchMembers<'a> {
    host: Cow<'a, str>,
    group: Cow<'a, str>,
    window: Window,
}

impl<'a> TryFrom<Fields<'a>> for FetchMembers<'a> {
    type Error = Refusal;

    fn try_from(fields: Fields<'a>) -> Result<Self, Refusal> {
        Ok(Self {
            host: fields.required("liveuserid", USER_ID)?,
            group: fields.required("groupid", FILE_ID)?,
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
    userid: String,
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
pub(crate) async fn members(cx: &Context<'_>, request: FetchMembers<'_>) -> Result<MemberList, Refusal> {
    Ok(cx.core.audiences().group(&request.host, &request.group, request.window).await?.into())
}
