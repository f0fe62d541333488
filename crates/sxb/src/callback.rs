//! Notices of the live cloud: `live/callback` (seed 003 §十七, contract sxb §6). The cloud has no token; it signs its
//! notices.

use relive_core::{
    CallbackSource, FileFormat, NewRecording, RoomNumber, Seconds, StreamEvent, UnixSeconds,
    sign::callback::{Notice, Number, authenticate},
};

use crate::{
    call::Input,
    code::{Code, Fault},
    context::Context,
};

/// Length of time for which a notice is accepted after its `t`, because the cloud repeats a notice for twelve minutes.
const GRACE: Seconds = Seconds(600);

/// `event_type` of a recording that is ready. All other events (a push starts or ends, a screenshot is ready) are
/// ignored: clients reconnect, so only a client can tell that its live is over.
const RECORDED: i64 = 100;

/// Request of `live/callback`: a notice whose signature is not verified yet.
pub(crate) struct CloudNotice(Notice);

impl TryFrom<Input<'_>> for CloudNotice {
    type Error = Code;

    fn try_from(input: Input<'_>) -> Result<Self, Code> {
        if input.fields.0.is_empty() {
            return Ok(Self(Notice::default()));
        }
        Notice::parse(input.body).map(Self).map_err(|_| Code::BadJson)
    }
}

/// Verifies a notice and stores the recording it announces, if any.
pub(crate) async fn receive(cx: &Context<'_>, CloudNotice(notice): CloudNotice) -> Result<(), Code> {
    let key = (&cx.core.config().cloud.callback_key).into();
    authenticate(&notice, key, cx.core.now(), GRACE).map_err(|_| Code::BadCallbackSign)?;
    if notice.event_type != Some(RECORDED) {
        return Ok(());
    }
    let new = recording(&notice)?;
    let code = clean("stream_id", notice.stream_code().unwrap_or_default())?.into();
    let room = notice.stream_param("groupid").and_then(|group| group.parse().ok()).map(RoomNumber);
    Ok(cx.core.streams().event(code, CallbackSource::Sxb { room }, StreamEvent::Recorded(new)).await?)
}

fn recording(notice: &Notice) -> Result<NewRecording, Code> {
    let file_id = notice.recording_id().ok_or(Code::Field("video_id", Fault::Missing))?;
    let url = notice.video_url.as_deref().filter(|url| !url.is_empty());
    Ok(NewRecording {
        file_id: clean("video_id", file_id)?.into(),
        url: clean("video_url", url.ok_or(Code::Field("video_url", Fault::Missing))?)?,
        format: FileFormat::named(notice.file_format.as_deref().unwrap_or_default()),
        start_at: number("start_time", notice.start_time)?.map(UnixSeconds),
        end_at: number("end_time", notice.end_time)?.map(UnixSeconds),
        duration: number("duration", notice.duration)?.map(Seconds),
        size: number("file_size", notice.file_size)?,
    })
}

fn clean(name: &'static str, text: &str) -> Result<String, Code> {
    if text.contains('\0') { Err(Code::Field(name, Fault::BadText)) } else { Ok(text.to_owned()) }
}

fn number(name: &'static str, number: Number) -> Result<Option<i64>, Code> {
    match number {
        Number::Missing => Ok(None),
        Number::NotNumeric => Err(Code::Field(name, Fault::Not("an integer"))),
        Number::Is(number) => Ok(Some(number)),
    }
}
