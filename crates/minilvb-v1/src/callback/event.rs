//! The handlers of notices. The cloud may send any notice twice, so each handler is idempotent.

use relive_core::{
    CallbackSource, Core, FileFormat, NewRecording, Seconds, StreamCode, StreamEvent, UnixSeconds,
    sign::callback::{Notice, Number},
};

use super::code::Code;

/// Checks a required text: neither missing nor empty, and without U+0000.
fn required<T: for<'a> From<&'a str>>(text: Option<&str>) -> Result<T, Code> {
    let text = text.filter(|text| !text.is_empty()).ok_or(Code::Incomplete)?;
    if text.contains('\0') { Err(Code::Incomplete) } else { Ok(text.into()) }
}

/// A notice that a stream has started or stopped.
pub(crate) struct Push {
    stream: StreamCode,
    sequence: Option<String>,
}

impl<'a> TryFrom<&'a Notice> for Push {
    type Error = Code;

    fn try_from(notice: &'a Notice) -> Result<Self, Code> {
        let sequence = notice.sequence.as_deref().filter(|sequence| !sequence.is_empty());
        Ok(Self {
            stream: required(notice.stream_id.as_deref())?,
            sequence: sequence.map(|sequence| required(Some(sequence))).transpose()?,
        })
    }
}

/// Handles event 0: the stream has stopped.
pub(crate) async fn stopped(core: &Core, push: Push) -> Result<Code, Code> {
    let event = StreamEvent::Stopped { sequence: push.sequence };
    core.streams().event(push.stream, CallbackSource::Shared, event).await?;
    Ok(Code::Ok)
}

/// Handles event 1: the stream has started.
pub(crate) async fn started(core: &Core, push: Push) -> Result<Code, Code> {
    let event = StreamEvent::Started { sequence: push.sequence };
    core.streams().event(push.stream, CallbackSource::Shared, event).await?;
    Ok(Code::Ok)
}

/// A notice that a recording is ready.
pub(crate) struct Recorded {
    stream: StreamCode,
    recording: NewRecording,
}

impl<'a> TryFrom<&'a Notice> for Recorded {
    type Error = Code;

    fn try_from(notice: &'a Notice) -> Result<Self, Code> {
        let time = |number: Number| -> Result<Option<UnixSeconds>, Code> {
            number.value().map(|time| Some(UnixSeconds(time))).ok_or(Code::Incomplete)
        };
        Ok(Self {
            stream: required(notice.stream_id.as_deref())?,
            recording: NewRecording {
                file_id: required(notice.recording_id())?,
                format: FileFormat::named(&required::<String>(notice.file_format.as_deref())?),
                url: required(notice.video_url.as_deref())?,
                start_at: time(notice.start_time)?,
                end_at: time(notice.end_time)?,
                duration: notice.duration.value().map(Seconds),
                size: notice.file_size.value(),
            },
        })
    }
}

/// Handles event 100: stores the recording.
pub(crate) async fn recorded(core: &Core, recorded: Recorded) -> Result<Code, Code> {
    let event = StreamEvent::Recorded(recorded.recording);
    core.streams().event(recorded.stream, CallbackSource::Shared, event).await?;
    Ok(Code::Ok)
}

/// A notice that is ignored.
pub(crate) struct Other;

impl<'a> TryFrom<&'a Notice> for Other {
    type Error = Code;

    fn try_from(_: &'a Notice) -> Result<Self, Code> {
        Ok(Self)
    }
}

/// Handles event 200 and all others: accepts the notice without any effect.
pub(crate) async fn other(_: &Core, _: Other) -> Result<Code, Code> {
    Ok(Code::Ok)
}
