//! Short videos: `/upload_ugc` and `/get_ugc_list`.

use relive_core::{Actor, FileId, NewShortVideo, ShortVideo, UserId};
use relive_wire::Object;
use serde::Serialize;

use crate::{
    code::Code,
    envelope::Nothing,
    fields,
    identity::Context,
    local_time::LocalTime,
    page::{ListReply, ListRequest, too_old},
};

/// Longest `play_url` in characters.
const LONGEST_URL: usize = 1024;

/// Request of `/upload_ugc` (seed 001 §8, contract minilvb-v2 §4.8).
pub(crate) struct UploadUgc(NewShortVideo);

impl TryFrom<&Object<'_>> for UploadUgc {
    type Error = Code;

    fn try_from(object: &Object<'_>) -> Result<Self, Code> {
        let file_id = fields::required_text(object, "file_id", 150)?;
        if !file_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-') {
            return Err(Code::InvalidParameter("file_id"));
        }
        let title = fields::required_text(object, "title", 128)?;
        let play_url = fields::required_text(object, "play_url", LONGEST_URL)?;
        if !is_url(&play_url) {
            return Err(Code::InvalidParameter("play_url"));
        }
        Ok(Self(NewShortVideo {
            file_id: file_id.into(),
            title: title.into_owned(),
            cover: fields::text_or_empty(object, "frontcover", 255)?,
            location: fields::text_or_empty(object, "location", 128)?,
            play_url: play_url.into_owned(),
            user_info: None,
        }))
    }
}

/// Whether a text contains `://` behind a letter, and no white space.
fn is_url(text: &str) -> bool {
    let after_letter =
        |at| text.get(..at).is_some_and(|scheme| scheme.ends_with(|last: char| last.is_ascii_alphabetic()));
    text.match_indices("://").any(|(at, _)| after_letter(at)) && !text.contains(char::is_whitespace)
}

/// Stores a short video of the caller. Another upload of the same file replaces the video and moves it to the top of
/// the list.
pub(crate) async fn upload_ugc(cx: &Context<'_>, UploadUgc(video): UploadUgc) -> Result<Nothing, Code> {
    let caller = cx.caller().await?;
    cx.core.short_videos().upload(Actor::Proven(caller.account()), video).await?;
    Ok(Nothing {})
}

/// An entry of `/get_ugc_list`.
#[derive(Debug, Serialize)]
pub(crate) struct Ugc {
    userid: UserId,
    nickname: String,
    avatar: String,
    file_id: FileId,
    title: String,
    frontcover: String,
    location: String,
    play_url: String,
    create_time: LocalTime,
}

impl Ugc {
    fn new(video: ShortVideo, utc_offset: i32) -> Self {
        Self {
            userid: video.user_id,
            nickname: video.owner_nickname,
            avatar: video.owner_avatar,
            file_id: video.file_id,
            title: video.title,
            frontcover: video.cover,
            location: video.location,
            play_url: video.play_url,
            create_time: LocalTime::new(video.created_at, utc_offset),
        }
    }
}

/// Returns a page of the recent short videos of all users, latest upload first (seed 001 §9, contract minilvb-v2 §4.9).
pub(crate) async fn get_ugc_list(cx: &Context<'_>, request: ListRequest) -> Result<ListReply<Ugc>, Code> {
    cx.caller().await?;
    let page = cx.core.short_videos().list(too_old(cx), request.window(cx.config)).await?;
    let offset = cx.config.utc_offset;
    let list = page.items.into_iter().map(|video| Ugc::new(video, offset)).collect();
    Ok(ListReply { list, total: page.total })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_play_url_has_a_scheme_and_no_blanks() {
        for good in ["https://vod.example.com/42.mp4", "rtmp://x", "x://", "see:http://x"] {
            assert!(is_url(good), "{good}");
        }
        for bad in ["42.mp4", "://x", "//x/y", "1://x", "http:/x", "http://a b", "http://a\u{3000}b", "é://x"]
        {
            assert!(!is_url(bad), "{bad}");
        }
    }
}
