//! The kinds of charts, a file each: the specification, and how it is laid out.

mod bar;
mod beeswarm;
mod curves;
mod decision;
mod distribution;
mod feature;
mod force;
mod grid;
mod heatmap;
mod interactions;
mod reliability;
mod scatter;
mod timeline;
mod violin;
mod waterfall;

pub use bar::{Bar, BarRow};
pub use curves::{Curves, Guide, Spot, Trace};
pub use decision::{Decision, DecisionRow};
pub use distribution::{Distribution, Outline};
pub use feature::{Contribution, Contributions, Feature, Steps};
pub use grid::Grid;
pub use heatmap::Heatmap;
pub use interactions::Interactions;
pub use reliability::{Bin, Curve, Reliability};
pub use scatter::{Scatter, Variable};
pub use timeline::{Band, Event, Level, Line, Timeline};

use crate::error::Result;
use crate::page::Page;
use crate::spec::Plot;
use crate::style::Language;

/// Lines that a chart shows unless its specification says otherwise.
const ROWS: usize = 20;
/// No chart shows more lines, whatever its specification says.
const ROWS_MAX: usize = 200;

fn rows_default() -> usize {
    ROWS
}

impl Plot {
    /// Lays the kind out below what is on the page.
    pub(crate) fn draw(&self, page: &mut Page) -> Result<()> {
        match self {
            Self::Bar(bar) => bar.draw(page)?,
            Self::Beeswarm(contributions) => beeswarm::draw(contributions, page)?,
            Self::Violin(contributions) => violin::draw(contributions, page)?,
            Self::Waterfall(steps) => waterfall::draw(steps, page),
            Self::Force(steps) => force::draw(steps, page),
            Self::Scatter(scatter) => scatter.draw(page)?,
            Self::Heatmap(heatmap) => heatmap.draw(page)?,
            Self::Decision(decision) => decision.draw(page)?,
            Self::Interactions(interactions) => interactions.draw(page)?,
            Self::Distribution(distribution) => distribution.draw(page)?,
            Self::Timeline(timeline) => timeline.draw(page)?,
            Self::Reliability(reliability) => reliability.draw(page),
            Self::Curves(curves) => {
                curves.draw(page);
            }
            Self::Grid(grid) => grid.draw(page)?,
        }
        Ok(())
    }

    /// The most important of it in a sentence.
    pub(crate) fn summary(&self, language: Language) -> String {
        match self {
            Self::Bar(bar) => bar.summary(language),
            Self::Beeswarm(contributions) | Self::Violin(contributions) => contributions.summary(),
            Self::Waterfall(steps) | Self::Force(steps) => steps.summary(language),
            Self::Scatter(scatter) => scatter.summary(),
            Self::Heatmap(heatmap) => heatmap.summary(),
            Self::Decision(decision) => decision.summary(language),
            Self::Interactions(interactions) => interactions.summary(),
            Self::Distribution(distribution) => distribution.summary(language),
            Self::Timeline(timeline) => timeline.summary(),
            Self::Reliability(reliability) => reliability.summary(),
            Self::Curves(curves) => curves.summary(),
            Self::Grid(grid) => grid.summary(),
        }
    }
}
