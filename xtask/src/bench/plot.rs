//! Draws the plots of docs/performance.

use anyhow::{Result, anyhow};
use plotters::prelude::*;

use super::report::grouped;

/// A plot of lines over a logarithmic axis.
#[derive(Debug)]
pub(super) struct Plot<'a> {
    pub(super) title: &'a str,
    /// Name of the horizontal axis, which is logarithmic.
    pub(super) across: &'a str,
    /// Base of the logarithm: the factor between two labels of the horizontal axis.
    pub(super) base: f64,
    /// Name of the vertical axis.
    pub(super) up: &'a str,
    pub(super) lines: Vec<(&'a str, Vec<(f64, f64)>)>,
}

const SIZE: (u32, u32) = (760, 420);
/// Height of the plot divided by its highest value: leaves room for the legend.
const HEADROOM: f64 = 1.35;
/// Colours that colour-blind readers can distinguish.
const COLOURS: [RGBColor; 4] =
    [RGBColor(0, 114, 178), RGBColor(213, 94, 0), RGBColor(0, 158, 115), RGBColor(204, 121, 167)];

impl Plot<'_> {
    /// Draws the plot as an SVG document.
    pub(super) fn svg(&self) -> Result<String> {
        let mut text = String::new();
        self.draw(SVGBackend::with_string(&mut text, SIZE))
            .map_err(|error| anyhow!("cannot draw: {error}"))?;
        let lines: Vec<_> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
        Ok(lines.join("\n") + "\n")
    }

    fn draw(&self, backend: SVGBackend<'_>) -> Result<(), DrawingAreaErrorKind<std::io::Error>> {
        let points = || self.lines.iter().flat_map(|(_, points)| points);
        let (low, high) = points().fold((f64::MAX, 1.0), |(low, high), (x, _)| (x.min(low), x.max(high)));
        let top = points().fold(1.0, |top: f64, (_, y)| top.max(*y));
        let area = backend.into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(self.title, ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(44)
            .y_label_area_size(52)
            .build_cartesian_2d((low.min(high)..high).log_scale().base(self.base), 0.0..top * HEADROOM)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .x_desc(self.across)
            .y_desc(self.up)
            .x_label_formatter(&|x| grouped(*x, 0))
            .y_label_formatter(&|y| format!("{y:.1}"))
            .draw()?;
        for ((name, points), colour) in self.lines.iter().zip(COLOURS) {
            chart
                .draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))?
                .label(*name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
            chart.draw_series(points.iter().map(|point| Circle::new(*point, 3, colour.filled())))?;
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .background_style(WHITE.mix(0.8))
            .border_style(RGBColor(160, 160, 160))
            .draw()?;
        area.present()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_names_every_line_and_has_no_trailing_spaces() {
        let lines = vec![
            ("heartbeat", vec![(1.0, 0.9), (64.0, 0.8), (256.0, 0.7)]),
            ("mixed", vec![(1.0, 0.3), (256.0, 0.5)]),
        ];
        let svg =
            Plot { title: "Rates", across: "connections", base: 4.0, up: "× bare", lines }.svg().unwrap();
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"), "{svg}");
        assert!(["heartbeat", "mixed", "connections", "× bare", "256"].iter().all(|part| svg.contains(part)));
        assert!(svg.lines().all(|line| line.trim_end() == line));
    }
}
