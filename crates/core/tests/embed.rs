//! The example does what it says.

#[cfg(test)]
#[path = "../examples/embed.rs"]
mod embed;

#[cfg(test)]
mod tests {
    #[test]
    fn it_runs() {
        super::embed::main().unwrap();
    }

    #[test]
    fn it_tells_an_evening() {
        let mut out = Vec::new();
        super::embed::run(&mut out).unwrap();
        let told = String::from_utf8(out).unwrap();
        let expected = "\
registered anna
registered bob
anna is on air in room 10001
on air: Harbour at dusk by anna, 1 viewers, 1 likes
  watch it at http://1000.liveplay.myqcloud.com/live/";
        assert!(told.starts_with(expected), "{told}");
        for line in [
            "  in the room: anna (Host)",
            "  in the room: bob (Viewer)",
            "anna is off the air",
            "replay: Harbour at dusk by anna at https://vod.example/evening-1.mp4",
        ] {
            assert!(told.lines().any(|told| told == line), "{line:?} in\n{told}");
        }
    }
}
