//! What must hold for every specification: no panic, texts that neither meet nor leave the canvas, well-formed and bounded
//! output, the same bytes twice. Specifications come from a seed, with hostile names and numbers among them.

use proptest::prelude::*;

use crate::kinds::{
    Band, Bar, BarRow, Bin, Contribution, Contributions, Curve, Curves, Decision, DecisionRow, Distribution,
    Event, Feature, Grid, Guide, Heatmap, Interactions, Level, Line, Outline, Reliability, Scatter, Spot,
    Steps, Timeline, Trace, Variable,
};
use crate::page;
use crate::scene::{Item, Rect, Scene, Shape};
use crate::{Chart, Fonts, Language, Plot, Style, Theme, html, png, svg};

/// Kinds of charts.
const KINDS: u64 = 14;

/// A random source for specifications (SplitMix64).
struct Source(u64);

impl Source {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    fn length(&mut self) -> usize {
        let limit = [1, 2, 8, 40][self.below(4) as usize];
        self.below(limit + 1) as usize
    }

    fn number(&mut self) -> f64 {
        let share = self.next() as f64 / u64::MAX as f64;
        match self.below(24) {
            0 => f64::NAN,
            1 => f64::INFINITY,
            2 => f64::NEG_INFINITY,
            3 => 0.0,
            4 => 1e308 * (share - 0.5),
            5 => 5e-324,
            6 => 1e-9 * share,
            7 => 1e7 * (share - 0.5),
            _ => share - 0.5,
        }
    }

    fn numbers(&mut self, length: usize) -> Vec<f64> {
        match self.below(8) {
            0 => vec![self.number(); length],
            1 => vec![f64::NAN; length],
            _ => (0..length).map(|_| self.number()).collect(),
        }
    }

    fn name(&mut self) -> String {
        const PARTS: &[&str] = &[
            "delay",
            "customer_lifetime_value",
            "출발지연",
            "공항 혼잡 지수",
            "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
            "a",
            "</script><img src=x onerror=alert(1)>",
            "]]>",
            "&lt;\"'",
            "\u{0}\u{1}\u{ffff}",
            "\u{202e}evil",
            "😀👩‍👩‍👧",
            "_",
            " ",
            "\n",
            "e\u{301}\u{301}",
            "\u{1112}\u{1161}\u{11ab}",
            "مرحبا",
            "carrier_mean_delay_last_30_days",
            ".",
            "−0.5",
            "Щ",
        ];
        let parts = [0, 1, 2, 3, 12][self.below(5) as usize];
        (0..parts).map(|_| PARTS[self.below(PARTS.len() as u64) as usize]).collect()
    }

    fn names(&mut self, length: usize) -> Vec<String> {
        (0..length).map(|_| self.name()).collect()
    }

    fn features(&mut self) -> Vec<Feature> {
        let (features, rows) = (self.length(), self.length() * 5);
        let feature = |_| {
            let inputs = if self.below(3) == 0 { Vec::new() } else { self.numbers(rows) };
            Feature { name: self.name(), values: self.numbers(rows), inputs }
        };
        (0..features).map(feature).collect()
    }

    fn contributions(&mut self) -> Vec<Contribution> {
        let length = self.length();
        (0..length)
            .map(|_| Contribution { name: self.name(), input: self.name(), value: self.number() })
            .collect()
    }

    fn plot(&mut self, kind: u64) -> Plot {
        let rows_max = self.below(30) as usize;
        match kind {
            0 => {
                let (count, length) = (self.below(4) as usize, self.length());
                let row = |_| BarRow { name: self.name(), values: self.numbers(count.max(1)) };
                let rows = (0..length).map(row).collect();
                let (keep_order, percent) = (self.below(2) == 0, self.below(2) == 0);
                Plot::Bar(Bar {
                    axis: self.name(),
                    series: self.names(count),
                    rows,
                    rows_max,
                    keep_order,
                    percent,
                })
            }
            1 => Plot::Beeswarm(Contributions { axis: self.name(), features: self.features(), rows_max }),
            2 => Plot::Violin(Contributions { axis: self.name(), features: self.features(), rows_max }),
            3 => {
                let (axis, base, contributions) = (self.name(), self.number(), self.contributions());
                Plot::Waterfall(Steps { axis, base, contributions, rows_max })
            }
            4 => {
                let (axis, base, contributions) = (self.name(), self.number(), self.contributions());
                Plot::Force(Steps { axis, base, contributions, rows_max })
            }
            5 => self.scatter(),
            6 => {
                let (axis, features) = (self.name(), self.features());
                let rows = features.first().map_or(0, |feature| feature.values.len());
                let predictions = if self.below(2) == 0 { Vec::new() } else { self.numbers(rows) };
                let keep_order = self.below(2) == 0;
                Plot::Heatmap(Heatmap { axis, features, predictions, rows_max, keep_order })
            }
            7 => {
                let (features, length) = (self.length(), self.length());
                let row = |_| DecisionRow {
                    name: self.name(),
                    values: self.numbers(features),
                    highlight: self.below(5) == 0,
                };
                let rows = (0..length).map(row).collect();
                let (axis, base) = (self.name(), self.number());
                Plot::Decision(Decision { axis, base, features: self.names(features), rows, rows_max })
            }
            8 => {
                let n = self.length();
                let strengths = (0..n).map(|_| self.numbers(n)).collect();
                Plot::Interactions(Interactions {
                    axis: self.name(),
                    features: self.names(n),
                    strengths,
                    rows_max,
                })
            }
            9 => self.distribution(),
            10 => self.timeline(),
            11 => {
                let curves = self.below(4);
                let curve = |_| {
                    let length = self.length();
                    let bin = |_| Bin {
                        predicted: self.number() + 0.5,
                        observed: self.number() + 0.5,
                        interval: (self.below(2) == 0).then(|| (self.number(), self.number())),
                        count: self.below(10_000) as usize,
                    };
                    let bins = (0..length).map(bin).collect();
                    Curve { name: self.name(), bins }
                };
                Plot::Reliability(Reliability { curves: (0..curves).map(curve).collect() })
            }
            12 => self.curves(),
            _ => {
                let length = self.below(6);
                let kind = self.below(KINDS - 1);
                let cells = (0..length).map(|_| {
                    let kind = if self.below(2) == 0 { kind } else { self.below(KINDS - 1) };
                    self.chart(kind)
                });
                Plot::Grid(Grid { cells: cells.collect(), cell_em: 20.0 })
            }
        }
    }

    fn scatter(&mut self) -> Plot {
        let rows = self.length() * 10;
        let categories = if self.below(2) == 0 { 0 } else { self.length() };
        let x = Variable {
            name: self.name(),
            values: self.numbers(rows),
            levels: self.names(categories),
            times: false,
        };
        let y = Variable { name: self.name(), values: self.numbers(rows), ..Variable::default() };
        let mut colour = Variable { name: self.name(), values: self.numbers(rows), ..Variable::default() };
        match self.below(3) {
            0 => {
                let levels = self.length();
                colour.levels = self.names(levels);
                colour.values = (0..rows).map(|_| self.below(8) as f64 - 1.0).collect();
            }
            1 => colour.times = true,
            _ => {}
        }
        Plot::Scatter(Scatter { x, y, colour: (self.below(2) == 0).then_some(colour) })
    }

    fn distribution(&mut self) -> Plot {
        let (length, count, smooth) = (self.length(), self.below(4), self.below(2) == 0);
        let values = if smooth { length } else { length.saturating_sub(1) };
        let series = |_| Outline {
            name: self.name(),
            values: self.numbers(values),
            median: (self.below(2) == 0).then(|| self.number()),
            missing: (self.below(2) == 0).then(|| self.number()),
        };
        let series = (0..count).map(series).collect();
        Plot::Distribution(Distribution {
            axis: self.name(),
            edges: self.numbers(length),
            smooth,
            times: self.below(2) == 0,
            series,
        })
    }

    fn curves(&mut self) -> Plot {
        let count = self.below(4);
        let line = |_| {
            let length = self.length();
            let spot = |_| Spot {
                x: self.number(),
                y: self.number(),
                interval: (self.below(2) == 0).then(|| (self.number(), self.number())),
                tip: if self.below(2) == 0 { String::new() } else { self.name() },
                marked: self.below(3) == 0,
            };
            let points = (0..length).map(spot).collect();
            Trace { name: self.name(), points }
        };
        let lines = (0..count).map(line).collect();
        let end = |source: &mut Self| (source.number(), source.number());
        let guide = (self.below(2) == 0).then(|| Guide { name: self.name(), from: end(self), to: end(self) });
        Plot::Curves(Curves { x: self.name(), y: self.name(), percent: self.below(2) == 0, guide, lines })
    }

    fn timeline(&mut self) -> Plot {
        let (length, count) = (self.length(), self.below(4));
        let start = self.number() * 1e16;
        let mut times: Vec<f64> = (0..length).map(|day| start + day as f64 * 86_400e6).collect();
        if self.below(4) == 0 {
            times = self.numbers(length);
        }
        let line = |_| {
            let band = if self.below(2) == 0 { 0 } else { length };
            Line {
                name: self.name(),
                values: self.numbers(length),
                low: self.numbers(band),
                high: self.numbers(band),
                alerts: (0..self.below(4)).map(|_| self.below(50) as usize).collect(),
            }
        };
        let lines = (0..count).map(line).collect();
        let at = |source: &mut Self| source.number().abs().mul_add(1e12, start);
        let levels = (0..self.below(3)).map(|_| Level { name: self.name(), value: self.number() }).collect();
        let events = (0..self.below(12)).map(|_| Event { name: self.name(), at: at(self) }).collect();
        let bands =
            (0..self.below(3)).map(|_| Band { name: self.name(), from: at(self), to: at(self) }).collect();
        let (axis, time_axis, numbers) = (self.name(), self.name(), self.below(3) == 0);
        Plot::Timeline(Timeline { axis, times, numbers, time_axis, lines, levels, events, bands })
    }

    fn chart(&mut self, kind: u64) -> Chart {
        Chart {
            title: self.name(),
            subtitle: self.name(),
            note: self.name(),
            sample_of: (self.below(2) == 0).then_some(1_000_000),
            plot: self.plot(kind),
        }
    }
}

fn labels(scene: &Scene) -> Vec<(&str, Rect)> {
    scene
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Label(label) => Some((label.text.as_str(), label.bounds())),
            Item::Mark(_) => None,
        })
        .collect()
}

/// Specifications of each kind. Ten thousand were drawn once; this many are drawn each time.
const CASES: u32 = 400;

/// Pixels by which boxes may meet: baselines are rounded.
const SLACK: f64 = 0.75;

fn check_labels(scene: &Scene) -> Result<(), TestCaseError> {
    let labels = labels(scene);
    for (index, (text, a)) in labels.iter().enumerate() {
        let inside = a.x >= -SLACK
            && a.y >= -SLACK
            && a.right() <= scene.width + SLACK
            && a.bottom() <= scene.height + SLACK;
        prop_assert!(inside, "`{text}` leaves the canvas: {a:?} of {} × {}", scene.width, scene.height);
        for (other, b) in &labels[..index] {
            let across = a.right().min(b.right()) - a.x.max(b.x);
            let down = a.bottom().min(b.bottom()) - a.y.max(b.y);
            prop_assert!(across <= SLACK || down <= SLACK, "`{text}` {a:?} meets `{other}` {b:?}");
        }
    }
    Ok(())
}

fn check_marks(scene: &Scene) -> Result<(), TestCaseError> {
    for item in &scene.items {
        let Item::Mark(mark) = item else { continue };
        let points = match &mark.shape {
            Shape::Rect(rect) => vec![(rect.x, rect.y), (rect.right(), rect.bottom())],
            Shape::Hair(from, to) => vec![*from, *to],
            Shape::Line(points) | Shape::Area(points) | Shape::Dots(_, points) => points.clone(),
        };
        for (x, y) in points {
            let inside = x >= -8.0 && y >= -8.0 && x <= scene.width + 8.0 && y <= scene.height + 8.0;
            prop_assert!(inside, "{mark:?} in {} × {}", scene.width, scene.height);
        }
    }
    Ok(())
}

fn check(seed: u64, kind: u64, width: f64, language: Language) -> Result<(), TestCaseError> {
    let fail = |error: &dyn std::fmt::Display| TestCaseError::fail(error.to_string());
    let chart = Source(seed).chart(kind);
    let theme = [Theme::Auto, Theme::Light, Theme::Dark][(seed % 3) as usize];
    let style = Style { width, theme, language };
    let scene = page::draw(&chart, &style).map_err(|error| fail(&error))?;
    prop_assert!(scene.height.is_finite() && scene.height < 20_000.0);
    check_labels(&scene)?;
    check_marks(&scene)?;
    let text = svg(&chart, &style).map_err(|error| fail(&error))?;
    prop_assert_eq!(&text, &svg(&chart, &style).unwrap_or_default());
    prop_assert!(text.len() < 3_000_000, "{}", text.len());
    let document = roxmltree::Document::parse(&text).map_err(|error| fail(&error))?;
    let known = ["svg", "title", "desc", "style", "path", "rect", "circle", "text"];
    for node in document.descendants().filter(|node| node.is_element()) {
        prop_assert!(known.contains(&node.tag_name().name()), "{:?}", node);
        prop_assert!(node.attributes().all(|a| !a.name().starts_with("on") && a.name() != "href"));
    }
    Ok(())
}

macro_rules! each_kind {
    ($($name:ident = $kind:literal),*) => {
        proptest! {
            #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]
            $(
                #[test]
                fn $name(seed: u64, width in 280.0..1400.0_f64, korean: bool) {
                    check(seed, $kind, width, if korean { Language::Ko } else { Language::En })?;
                }
            )*
        }
    };
}

each_kind!(
    bars = 0,
    beeswarms = 1,
    violins = 2,
    waterfalls = 3,
    forces = 4,
    scatters = 5,
    heatmaps = 6,
    decisions = 7,
    interactions = 8,
    distributions = 9,
    timelines = 10,
    reliabilities = 11,
    curves = 12,
    grids = 13
);

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_specification_becomes_a_picture_and_a_page(seed: u64, kind in 0..KINDS, ratio in 0.25..1.5_f64) {
        let chart = Source(seed).chart(kind);
        let style = Style { width: 360.0, ..Style::default() };
        let picture = png(&chart, &style, ratio, Fonts::default()).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert!(picture.bytes.starts_with(b"\x89PNG"));
        let page = html(&chart, &style).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(page.matches("<script").count(), 1);
        prop_assert_eq!(page.matches("</script").count(), 1);
        prop_assert!(!page.contains("<img"));
    }
}
