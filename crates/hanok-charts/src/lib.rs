//! One chart specification ([`Chart`]) → SVG, PNG or a self-contained HTML page.
//!
//! A kind of chart lays out a scene of marks and texts with numbers only; writers turn the scene into bytes. The same
//! specification gives the same bytes: text is measured by a table, nothing depends on fonts, clocks or chance. Every
//! text goes through the scene, which is where it is cleaned, and every writer escapes it.
//!
//! Must not exist here: files, sockets, async, Arrow, statistics that a report would state as a result.

mod axis;
mod error;
mod faces;
mod html;
mod ink;
mod kinds;
mod legend;
mod number;
mod page;
mod png;
#[cfg(test)]
mod properties;
mod raster;
mod reduce;
mod rows;
mod scale;
mod scene;
mod spec;
mod style;
mod svg;
mod text;
mod time;
mod words;

pub use error::ChartError;
pub use faces::{Fonts, covered};
pub use html::{HOVER_SCRIPT, HOVER_STYLE, colours, document, escaped, html};
pub use kinds::{
    Band, Bar, BarRow, Bin, Contribution, Contributions, Curve, Curves, Decision, DecisionRow, Distribution,
    Event, Feature, Grid, Guide, Heatmap, Interactions, Level, Line, Outline, Reliability, Scatter, Spot,
    Steps, Timeline, Trace, Variable,
};
pub use number::{count, number, percent};
pub use png::{Png, png};
pub use spec::{Chart, Plot};
pub use style::{Language, Style, Theme};
pub use svg::svg;
pub use time::full as moment;
