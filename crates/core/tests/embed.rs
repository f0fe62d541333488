//! Runs the example `embed` and checks its output.

#[cfg(test)]
#[path = "../examples/embed.rs"]
mod embed;

#[cfg(test)]
mod tests {
    #[test]
    fn main_succeeds() {
        super::embed::main().unwrap();
    }

    #[test]
    fn the_output_tells_of_a_live_and_its_replay() {
        let mut out = Vec::new();
        super::embed::run(&mut out).unwrap();
        let output = String::from_utf8(out).unwrap();
        let expected = "\
registered anna
registered bob
anna is on air in room 10001
on air: Harbour at dusk by anna, 1 viewers, 1 likes
  watch it at http://1000.liveplay.myqcloud.com/live/";
        assert!(output.starts_with(expected), "{output}");
        for line in [
            "  in the room: anna (Host)",
            "  in the room: bob (Viewer)",
            "anna is off the air",
            "replay: Harbour at dusk by anna at https://vod.example/evening-1.mp4",
        ] {
            assert!(output.lines().any(|printed| printed == line), "{line:?} in\n{output}");
        }
    }
}
