//! Time cut into windows.

use arrow::array::{Array, ArrayRef};

use super::{CourseError, Window};
use crate::column::{self, Kind};
use crate::shape::{CLOCK, DAY};

/// The most windows of a width that was asked for.
const WINDOWS_MAX: usize = 1000;
/// The most windows of a width that is chosen.
const CHOSEN_MAX: f64 = 60.0;
/// Readable widths from a day on.
const DAYS: [f64; 6] = [1.0, 7.0, 28.0, 91.0, 364.0, 3640.0];
/// The window of a row without a time.
const NONE: u32 = u32::MAX;

/// Windows of time, and which one each row of a table is in.
#[derive(Clone, Debug)]
pub struct Windows {
    pub(super) list: Vec<Window>,
    pub(super) without_time: u64,
    of_row: Vec<u32>,
}

impl Windows {
    /// Windows of one width in seconds over a column of dates, timestamps or numbers of seconds, in chunks. They begin at multiples
    /// of the width since 1970 in UTC, weeks on Mondays. Without a width the least readable one is taken that gives at most 60
    /// windows.
    pub fn new(times: &[ArrayRef], width: Option<f64>) -> Result<Windows, CourseError> {
        let mut seconds = Vec::with_capacity(times.iter().map(|chunk| chunk.len()).sum());
        for chunk in times {
            if !matches!(Kind::of(chunk.data_type()), Some(Kind::Times | Kind::Numbers)) {
                return Err(CourseError::NoTimes(Box::new(chunk.data_type().clone())));
            }
            let numbers = column::numbers(chunk)?;
            seconds.extend(numbers.iter().map(|time| time.unwrap_or(f64::NAN)));
        }
        let finite = || seconds.iter().copied().filter(|time| time.is_finite());
        let (low, high) =
            (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
        let width = width.unwrap_or_else(|| chosen(low, high));
        // 1970 began on a Thursday.
        let offset = if width % (7.0 * DAY) == 0.0 { 4.0 * DAY } else { 0.0 };
        let place = |time: f64| ((time - offset) / width).floor();
        let found = if low <= high { place(high) - place(low) + 1.0 } else { 0.0 };
        if !(width > 0.0 && (1.0..=WINDOWS_MAX as f64).contains(&found)) {
            return Err(CourseError::Windows { found, limit: WINDOWS_MAX });
        }
        let first = place(low);
        let start = |at: usize| (first + at as f64) * width + offset;
        let window = |at: usize| Window { start: start(at), end: start(at + 1), rows: 0 };
        let mut list: Vec<Window> = (0..found as usize).map(window).collect();
        let mut without_time = 0;
        let of_row = seconds.iter().map(|time| {
            if time.is_finite() {
                let at = (place(*time) - first) as u32;
                list[at as usize].rows += 1;
                at
            } else {
                without_time += 1;
                NONE
            }
        });
        let of_row = of_row.collect();
        Ok(Windows { list, without_time, of_row })
    }

    /// Rows, with and without a time.
    pub(super) fn rows(&self) -> usize {
        self.of_row.len()
    }

    /// The window of a row; `None` without a time.
    pub(super) fn of(&self, row: usize) -> Option<usize> {
        Some(self.of_row[row]).filter(|window| *window != NONE).map(|window| window as usize)
    }
}

fn chosen(low: f64, high: f64) -> f64 {
    let widths = CLOCK.iter().copied().chain(DAYS.iter().map(|days| days * DAY));
    let mut least = f64::INFINITY;
    for width in widths {
        least = width;
        // One more than fits may begin before the first time.
        if (high - low) / width + 1.0 <= CHOSEN_MAX {
            return width;
        }
    }
    least.max((high - low) / (CHOSEN_MAX - 1.0))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Date32Array, Float64Array, StringArray, TimestampMicrosecondArray};
    use hanok_error::Coded;

    use super::*;

    #[test]
    fn windows_begin_at_readable_times_and_count_their_rows() {
        // 2013-01-01 is a Tuesday.
        let days = |count: i32| {
            Arc::new(Date32Array::from_iter_values((0..count).map(|at| 15_706 + at))) as ArrayRef
        };
        let found = Windows::new(&[days(31), days(31)], None).unwrap();
        assert_eq!((found.list.len(), found.list[0].rows, found.list[0].start), (31, 2, 15_706.0 * DAY));
        assert_eq!((found.of(0), found.of(61)), (Some(0), Some(30)));
        let found = Windows::new(&[days(100)], None).unwrap();
        assert_eq!((found.list.len(), found.list[0].start, found.list[0].rows), (15, 15_705.0 * DAY, 6));
        let hour = |at: i64| Some(at * 3_600_000_000);
        let stamps = TimestampMicrosecondArray::from(vec![hour(3), None, hour(5), hour(4)]);
        let found = Windows::new(&[Arc::new(stamps)], Some(7200.0)).unwrap();
        assert_eq!((found.without_time, found.of(1), found.list.len()), (1, None, 2));
        assert_eq!([found.list[0].rows, found.list[1].rows], [1, 2]);
    }

    #[test]
    fn times_that_make_no_windows_are_refused() {
        let chunk = |values: Vec<f64>| vec![Arc::new(Float64Array::from(values)) as ArrayRef];
        for (times, width) in [
            (vec![], None),
            (vec![f64::NAN, f64::INFINITY], None),
            (vec![0.0, 1e9], Some(1.0)),
            (vec![0.0, 5.0], Some(0.0)),
            (vec![0.0, 5.0], Some(f64::NAN)),
        ] {
            assert_eq!(Windows::new(&chunk(times), width).unwrap_err().code().0, "HK1807");
        }
        let words = Arc::new(StringArray::from(vec!["now"])) as ArrayRef;
        assert_eq!(Windows::new(&[words], None).unwrap_err().code().0, "HK1802");
        assert!(Windows::new(&chunk(vec![-1e300, 1e300]), None).is_ok());
    }
}
