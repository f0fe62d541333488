//! Head pictures, received as base64 and sent as bytes: `ModifyUserHeadPic`, `GetUserHeadPic` (contract qplus §4.5,
//! §4.5b).

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use relive_core::{Picture, PictureId};
use serde::Serialize;

use crate::{code::Code, context::Context, envelope::HeadPicture, fields::Input};

/// Largest accepted picture in bytes.
const MAX_PICTURE_BYTES: usize = 2 * 1024 * 1024;

/// Standard base64 with padding. The unused bits of the last character are ignored, as in the original server.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// Request of `ModifyUserHeadPic`.
pub(crate) struct ModifyUserHeadPic<'a> {
    session: &'a str,
    picture: &'a str,
}

impl<'a> TryFrom<&'a Input<'_>> for ModifyUserHeadPic<'a> {
    type Error = Code;

    fn try_from(input: &'a Input<'_>) -> Result<Self, Code> {
        Ok(Self { session: input.session()?, picture: input.text("headPic")? })
    }
}

impl ModifyUserHeadPic<'_> {
    /// Decodes the bytes, which may be no image at all. Clients insert a line break after every 64 characters.
    fn decode(&self) -> Result<Picture, Code> {
        let joined: Vec<u8> = self.picture.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
        match BASE64.decode(joined) {
            Ok(bytes) if bytes.len() > MAX_PICTURE_BYTES => Err(Code::Param),
            Ok(bytes) if !bytes.is_empty() => Ok(Picture(bytes.into())),
            _ => Err(Code::Picture),
        }
    }
}

/// Reply of `ModifyUserHeadPic`. The published reply has no `headPicId`, but every client reads this member.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HeadPicReply {
    head_pic_id: i64,
}

/// Replaces the picture of the caller. The new picture gets a new number, so that no client shows the old one from a
/// cache.
pub(crate) async fn set(cx: &Context<'_>, request: ModifyUserHeadPic<'_>) -> Result<HeadPicReply, Code> {
    let session = cx.session(request.session).await?;
    let id = cx.core.accounts().set_head_picture(session.account(), request.decode()?).await?;
    Ok(HeadPicReply { head_pic_id: id.0 })
}

/// Request of `GetUserHeadPic`.
pub(crate) struct GetUserHeadPic(PictureId);

impl TryFrom<&Input<'_>> for GetUserHeadPic {
    type Error = Code;

    /// Reads `id` of the query, a number from 1 on.
    fn try_from(input: &Input<'_>) -> Result<Self, Code> {
        form_urlencoded::parse(input.query.as_bytes())
            .find(|(name, _)| name == "id")
            .filter(|(_, id)| id.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|(_, id)| id.parse().ok())
            // Clients ask for 0 if a user has no picture: that is answered without a query.
            .filter(|id| *id > 0)
            .map(|id| Self(PictureId(id)))
            .ok_or(Code::Param)
    }
}

/// Returns a picture. No session is required.
pub(crate) async fn get(cx: &Context<'_>, GetUserHeadPic(id): GetUserHeadPic) -> Result<HeadPicture, Code> {
    let picture = cx.core.accounts().head_picture(id).await?.ok_or(Code::Param)?;
    Ok(HeadPicture(picture.0))
}
