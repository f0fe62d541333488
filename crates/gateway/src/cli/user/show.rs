//! `relive user show`: prints one account as each dialect shows it, with that dialect's field names.
//!
//! The only module of the gateway that knows fields of dialects. It never prints a token, or the password of an account
//! or a room.

use std::{fmt::Write as _, io};

use relive_core::{
    AccountOverview, Broadcast, Core, Dialect, RecordingFilter, RecordingOrder, Seconds, Sex, State, UserId,
    Window,
};

use crate::{
    cli::time,
    config::{Guests, Settings, seconds},
};

/// Length of time for which minilvb-v1 lists a recording after its end (contract minilvb-v1 §4.4).
const V1_LISTED: Seconds = Seconds(7 * 86_400);

/// Number of the account's recordings in each dialect's list.
struct ListedRecordings {
    v1: usize,
    v2: usize,
    sxb: usize,
}

impl ListedRecordings {
    async fn of(core: &Core, user_id: &UserId, settings: &Settings) -> relive_core::Result<Self> {
        let count = async |with_play_url, window: Seconds| {
            let filter = RecordingFilter { with_play_url, owner: Some(user_id.clone()) };
            let order = RecordingOrder::Ended { after: (window > Seconds(0)).then(|| core.now() - window) };
            let nothing = Window { offset: 0, limit: 0 };
            let page = core.recordings().list(filter, order, nothing).await?;
            Ok::<_, relive_core::Error>(page.total)
        };
        Ok(Self {
            v1: count(true, V1_LISTED).await?,
            v2: count(false, seconds(settings.minilvb_v2.list_window)).await?,
            sxb: count(false, Seconds(0)).await?,
        })
    }
}

/// Prints an account.
pub(super) async fn run(
    core: &Core,
    user_id: &UserId,
    settings: &Settings,
    out: &mut dyn io::Write,
) -> anyhow::Result<()> {
    let overview = core.accounts().overview(user_id).await?;
    let overview = overview.ok_or_else(|| anyhow::anyhow!("no account has the id {user_id:?}"))?;
    let listed = ListedRecordings::of(core, user_id, settings).await?;
    let page = AccountPage { overview: &overview, settings, text: String::new() };
    out.write_all(page.render(&listed).as_bytes())?;
    Ok(())
}

/// The printed page while it is written.
struct AccountPage<'a> {
    overview: &'a AccountOverview,
    settings: &'a Settings,
    text: String,
}

impl AccountPage<'_> {
    fn render(mut self, listed: &ListedRecordings) -> String {
        self.account();
        self.room();
        self.v1(listed.v1);
        self.v2(listed.v2);
        self.sxb(listed.sxb);
        self.qplus();
        self.roomservice();
        self.text
    }

    fn group(&mut self, name: &str) {
        let gap = if self.text.is_empty() { "" } else { "\n" };
        let _ = writeln!(self.text, "{gap}{name}");
    }

    fn dialect(&mut self, name: &str, enabled: bool) {
        self.group(&if enabled { name.to_owned() } else { format!("{name} (disabled)") });
    }

    fn line(&mut self, name: &str, value: impl std::fmt::Display) {
        let line = format!("  {name:<16}{value}");
        let _ = writeln!(self.text, "{}", line.trim_end());
    }

    /// Prints a text that a client chose: quoted, with control characters escaped.
    fn quoted(&mut self, name: &str, value: &str) {
        self.line(name, format_args!("{value:?}"));
    }

    fn account(&mut self) {
        let AccountOverview { account, recordings, short_videos, .. } = self.overview;
        self.group("account");
        self.quoted("user id", &account.user_id);
        let kind = match (account.registered, account.imported) {
            (true, true) => "registered, imported",
            (true, false) => "registered",
            (false, _) => "guest",
        };
        self.line("kind", kind);
        for (name, value) in [("phone", &account.phone), ("e-mail", &account.email)] {
            match value {
                Some(value) => self.quoted(name, value),
                None => self.line(name, "-"),
            }
        }
        self.line("created", time(account.created_at));
        self.line("recordings", recordings);
        self.line("short videos", short_videos);
    }

    fn room(&mut self) {
        let AccountOverview { room, latest, .. } = self.overview;
        self.group("room");
        let Some(room) = room else { return self.line("number", "-") };
        self.line("number", room.number);
        self.line("followers", room.followers);
        let Some(latest) = latest else { return self.line("broadcast", "none yet") };
        let broadcast = &latest.broadcast;
        let state = match broadcast.state {
            State::Prepared => "announced, or off air for now",
            State::OnAir => "on air",
            State::Ended => "over",
        };
        self.line("broadcast", state);
        self.line("driven by", name_of(broadcast.driver));
        self.quoted("title", &broadcast.title);
        self.line("since", time(broadcast.started_at));
        if let Some(deadline) = latest.deadline {
            self.line("ends", format_args!("{} unless its host renews it", time(deadline)));
        }
        if let Some(ended_at) = latest.ended_at {
            self.line("ended", time(ended_at));
        }
        self.quoted("stream", &broadcast.stream_code);
        self.line("members", broadcast.members);
        self.line("viewers", broadcast.viewers);
        self.line("likes", broadcast.likes);
    }

    fn v1(&mut self, recordings: usize) {
        let settings = &self.settings.minilvb_v1;
        let AccountOverview { account, latest, .. } = self.overview;
        self.dialect("minilvb-v1", settings.enabled);
        let acts = if account.imported && settings.trust_imported {
            "without proof: it is imported, and minilvb_v1.trust_imported is true"
        } else if account.registered {
            "with Liteav-Sig of its minilvb-v2 session"
        } else {
            match settings.guests {
                Guests::Open => "without proof",
                Guests::Bound => "without proof, from any address but while it has a live",
                Guests::Closed => "without proof, but cannot go on air: minilvb_v1.guests is closed",
            }
        };
        self.line("acts", acts);
        if let Some(latest) = latest {
            let live: &Broadcast = &latest.broadcast;
            let on_air = live.state == State::OnAir;
            self.line("status", if on_air { "\"1\", in FetchList" } else { "\"0\", in no list" });
            self.quoted("title", &live.title);
            self.quoted("groupid", &live.group_id);
            self.line("viewercount", live.viewers);
            self.line("likecount", live.likes);
            self.line("userinfo", "");
            self.quoted("  nickname", &live.nickname);
            self.quoted("  headpic", &live.avatar);
            self.quoted("  frontcover", &live.cover);
            self.quoted("  location", &live.location);
        } else {
            self.line("userinfo", "none: the account has not announced a live");
        }
        self.line("recordings", format_args!("{recordings} in FetchList"));
    }

    fn v2(&mut self, recordings: usize) {
        let AccountOverview { account, plan, .. } = self.overview;
        self.dialect("minilvb-v2", self.settings.minilvb_v2.enabled);
        self.sessions(Dialect::MinilvbV2);
        let profile = &account.profile;
        self.quoted("nickname", &profile.nickname);
        self.quoted("avatar", &profile.avatar);
        let sex = match profile.sex {
            Sex::Unknown => "-1",
            Sex::Male => "0",
            Sex::Female => "1",
        };
        self.line("sex", sex);
        self.quoted("frontcover", &profile.frontcover);
        match plan {
            Some((plan, at)) => {
                self.line("upload_room", time(*at));
                self.quoted("  title", &plan.title);
                self.quoted("  frontcover", &plan.cover);
                self.quoted("  location", &plan.location);
            }
            None => self.line("upload_room", "never"),
        }
        self.line("recordings", format_args!("{recordings} in /get_vod_list"));
    }

    fn sxb(&mut self, recordings: usize) {
        let AccountOverview { room, .. } = self.overview;
        self.dialect("sxb", self.settings.sxb.enabled);
        self.sessions(Dialect::Sxb);
        self.line("roomnum", room.as_ref().map_or(0, |room| room.number.0));
        match room.as_ref().and_then(|room| room.on_air.as_ref()) {
            Some(on_air) => {
                self.line("roomlist", "listed");
                self.quoted("  title", &on_air.title);
                self.quoted("  cover", &on_air.cover);
                self.quoted("  type", &on_air.kind);
                self.quoted("  groupid", &on_air.group_id);
                self.line("  thumbup", on_air.likes);
                self.line("  memsize", on_air.members);
            }
            None => self.line("roomlist", "not listed"),
        }
        self.line("recordings", format_args!("{recordings} in recordlist"));
    }

    fn qplus(&mut self) {
        let AccountOverview { account, room, .. } = self.overview;
        self.dialect("qplus", self.settings.qplus.enabled);
        self.sessions(Dialect::Qplus);
        self.quoted("nickName", account.display_name());
        let sex = match account.profile.sex {
            Sex::Unknown | Sex::Male => "1",
            Sex::Female => "2",
        };
        self.line("sex", sex);
        self.line("headPicId", account.profile.head_picture.map_or(0, |picture| picture.0));
        self.quoted("address", &account.profile.address);
        self.line("liveRoomId", room.as_ref().map_or(0, |room| room.number.0));
        let Some(room) = room else { return };
        self.quoted("liveRoomName", &room.name);
        self.quoted("liveRoomDesc", &room.description);
        self.quoted("liveRoomTopic", &room.topic);
        self.quoted("anchorName", &room.owner_name);
        self.line("followCount", room.followers);
        self.line("playerCount", room.on_air.as_ref().map_or(0, |on_air| on_air.viewers));
        self.line("isPlay", u8::from(room.on_air.is_some()));
    }

    fn roomservice(&mut self) {
        let AccountOverview { latest, .. } = self.overview;
        self.dialect("roomservice", self.settings.roomservice.enabled);
        self.sessions(Dialect::RoomService);
        let live = latest.as_ref().map(|latest| &latest.broadcast);
        let Some(live) = live.filter(|live| live.state == State::OnAir) else {
            return self.line("get_room_list", "not listed");
        };
        self.line("get_room_list", "listed");
        if let Some(room) = &live.live_room {
            self.quoted("  roomID", &live.group_id);
            self.quoted("  roomInfo", &room.info);
        }
        self.line("  praise", live.likes);
        self.line("  audienceCount", live.viewers);
    }

    fn sessions(&mut self, dialect: Dialect) {
        let sessions = || self.overview.sessions.iter().filter(|session| session.dialect == dialect);
        let Some(last) = sessions().next() else { return self.line("sessions", 0) };
        let mut text = format!("{}, last used {}", sessions().count(), time(last.used_at));
        if let Some(until) = last.refresh_until {
            let token = if last.alive { "" } else { "token expired, " };
            let _ = write!(text, ", {token}can be refreshed until {}", time(until));
        }
        self.line("sessions", text);
    }
}

fn name_of(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::MinilvbV1 => "minilvb-v1",
        Dialect::MinilvbV2 => "minilvb-v2",
        Dialect::Sxb => "sxb",
        Dialect::Qplus => "qplus",
        Dialect::RoomService => "roomservice",
    }
}
