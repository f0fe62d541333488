//! Merging of files into recordings, and the times of a recording.

use super::tables::{START, Tables};
use crate::{
    AccountId, FileFormat, NewRecording, Recording, Seconds, UnixSeconds,
    domain::{
        broadcast::open,
        recording::{self, MergePolicy},
    },
    table::recordings,
};

fn file(id: &str, format: FileFormat, from: i64, to: i64) -> NewRecording {
    NewRecording {
        file_id: id.into(),
        format,
        url: format!("http://vod.example/{id}/{format:?}"),
        start_at: Some(START + Seconds(from)),
        end_at: Some(START + Seconds(to)),
        duration: None,
        size: None,
    }
}

fn store(tables: &mut Tables, owner: AccountId, policy: MergePolicy, new: &NewRecording) {
    tables.run(|tx| recording::store(tx, owner, "stream", policy, new)).unwrap();
}

fn all(tables: &mut Tables) -> Vec<Recording> {
    tables.run(|tx| recordings::latest(tx.conn, 10)).unwrap()
}

/// A host with a room.
fn host(tables: &mut Tables) -> AccountId {
    let host = tables.user("host");
    tables.run(|tx| open::prepare(tx, host)).unwrap();
    host
}

#[test]
fn overlapping_files_are_one_recording_where_files_are_merged() {
    let mut tables = Tables::new();
    let host = host(&mut tables);
    store(&mut tables, host, MergePolicy::Overlapping, &file("flv", FileFormat::Flv, 0, 100));
    store(&mut tables, host, MergePolicy::Overlapping, &file("hls", FileFormat::Hls, 5, 105));
    store(&mut tables, host, MergePolicy::Overlapping, &file("short", FileFormat::Flv, 200, 260));
    let [one] = &all(&mut tables)[..] else { panic!("one recording") };
    assert_eq!((&*one.play_url, &*one.hls_url), ("http://vod.example/flv/Flv", "http://vod.example/hls/Hls"));
    store(&mut tables, host, MergePolicy::Never, &file("sxb", FileFormat::Flv, 5, 10));
    assert_eq!(all(&mut tables).len(), 2);
}

#[test]
fn a_better_file_is_never_replaced_by_a_worse_one() {
    let mut tables = Tables::new();
    let host = host(&mut tables);
    for (format, kept) in [
        (FileFormat::Other, FileFormat::Other),
        (FileFormat::Mp4, FileFormat::Mp4),
        (FileFormat::Flv, FileFormat::Mp4),
    ] {
        store(&mut tables, host, MergePolicy::Never, &file("f", format, 0, 100));
        assert_eq!(all(&mut tables)[0].play_url, format!("http://vod.example/f/{kept:?}"));
    }
}

#[test]
fn a_missing_end_is_now_and_a_missing_start_is_the_duration_before() {
    let mut tables = Tables::new();
    let host = host(&mut tables);
    let new = NewRecording {
        start_at: None,
        end_at: None,
        duration: Some(Seconds(30)),
        ..file("f", FileFormat::Mp4, 0, 0)
    };
    store(&mut tables, host, MergePolicy::Never, &new);
    let [one] = &all(&mut tables)[..] else { panic!("one recording") };
    let times: (UnixSeconds, UnixSeconds) = (one.start_at, one.end_at);
    assert_eq!(times, (START - Seconds(30), START));
}
