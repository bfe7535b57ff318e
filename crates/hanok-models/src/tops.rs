//! The tops of trees as whole binary trees, in which sixteen rows go down side by side: the hot loop of predictions.

#![expect(unsafe_code, reason = "a check of bounds at each step costs as much as the step")]

use crate::coding::{CodeTest, Codes, LANES};

/// Rows that go down side by side: as many as there are registers for.
const TOGETHER: usize = 8;

/// A test of a code: codes are never negative, so they may be compared without a sign.
#[derive(Clone, Copy, Debug)]
struct Test {
    column: u32,
    bound: u32,
}

/// Tops of trees. The tests of each stand a level after the other from its place 1 on, so that the children of place i are 2 i and 2 i + 1.
#[derive(Debug)]
pub(crate) struct Tops {
    /// All of columns below `columns`: [`Tops::push`] sees to it.
    tests: Vec<Test>,
    columns: usize,
}

/// Where a top begins, and how many levels it has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Top {
    start: usize,
    levels: u32,
}

impl Tops {
    /// For a coding of so many columns.
    pub(crate) fn new(columns: usize) -> Tops {
        Tops { tests: Vec::new(), columns }
    }

    /// Adds a top of so many levels. `test` gives the test at a place; where there is none, or one of a column that does not exist, rows go left.
    pub(crate) fn push(&mut self, levels: u32, test: impl Fn(usize) -> Option<CodeTest>) -> Top {
        let start = self.tests.len();
        for place in 0..1 << levels {
            let test = test(place).filter(|test| (test.column as usize) < self.columns);
            self.tests.push(match test {
                Some(test) => Test { column: test.column, bound: test.bound as u32 },
                None => Test { column: 0, bound: u32::MAX },
            });
        }
        Top { start, levels }
    }

    /// The places below a top, from 0 on, that the rows of a group come to.
    ///
    /// # Panics
    /// If there are no columns or fewer codes than columns, or the top is of other tops.
    #[inline]
    pub(crate) fn descend(&self, top: Top, codes: &[Codes]) -> [usize; LANES] {
        let tests = &self.tests[top.start..][..1 << top.levels];
        assert!(0 < self.columns && self.columns <= codes.len());
        // SAFETY: there are 2^levels tests, and `codes` has a code for every column below `columns`, which those of tests are.
        let halves =
            unsafe { [half::<0>(tests, top.levels, codes), half::<TOGETHER>(tests, top.levels, codes)] };
        std::array::from_fn(|lane| halves[lane / TOGETHER][lane % TOGETHER] - (1 << top.levels))
    }
}

/// Some rows of a group, from lane `FIRST` on.
///
/// # Safety
/// There must be 2^levels tests, and a code for the column of each.
#[inline(always)]
unsafe fn half<const FIRST: usize>(tests: &[Test], levels: u32, codes: &[Codes]) -> [usize; TOGETHER] {
    let mut at = [1; TOGETHER];
    for _ in 0..levels {
        for (lane, at) in at.iter_mut().enumerate() {
            // SAFETY: `at` is 1 at first and below 2^(k + 1) after k steps, so before the last step and all others it is below 2^levels, the
            // number of tests. The caller has promised the codes.
            let code = unsafe {
                let test = tests.get_unchecked(*at);
                let code = codes.get_unchecked(test.column as usize).0[FIRST + lane];
                usize::from(test.bound < code as u32)
            };
            *at = 2 * *at + code;
        }
    }
    at
}
