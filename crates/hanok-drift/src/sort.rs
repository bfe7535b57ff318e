//! Sorting numbers by radix.

/// Bits of one pass: the counts of all passes stay in the first cache.
const DIGIT: u32 = 10;
const BUCKETS: usize = 1 << DIGIT;
const PASSES: usize = 3;
/// Below this a comparison sort is faster.
const RADIX_MIN: usize = 1500;

/// A key whose order as an integer is the order of the numbers; −0 is 0. NaN has no place in the order: leave it out.
pub(crate) fn key(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    bits ^ (((bits as i64) >> 63) as u64 | (1 << 63))
}

/// The number of a key.
pub(crate) fn value(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 { key ^ (1 << 63) } else { !key })
}

/// Sorts keys and gives their numbers back, ascending. `scratch` keeps its memory from call to call.
pub(crate) fn sorted(mut keys: Vec<u64>, scratch: &mut Vec<u64>) -> Vec<f64> {
    sort(&mut keys, scratch);
    keys.into_iter().map(value).collect()
}

/// The places of numbers in the order of the numbers, ties in the order of their places. There is no NaN among them, and they
/// are fewer than 2³².
pub(crate) fn order(values: &[f64]) -> Vec<u32> {
    let mut items: Vec<(u64, u32)> =
        values.iter().zip(0..).map(|(value, place)| (key(*value), place)).collect();
    if items.len() < RADIX_MIN {
        items.sort_unstable()
    } else {
        radix(&mut items, &mut Vec::new(), |item| item.0)
    }
    items.into_iter().map(|(_, place)| place).collect()
}

/// How many different keys there are; sorts them.
pub(crate) fn distinct(mut keys: Vec<u64>, scratch: &mut Vec<u64>) -> usize {
    sort(&mut keys, scratch);
    keys.chunk_by(|a, b| a == b).count()
}

/// Sorts keys.
pub(crate) fn sort(keys: &mut Vec<u64>, scratch: &mut Vec<u64>) {
    if keys.len() < RADIX_MIN { keys.sort_unstable() } else { radix(keys, scratch, |key| key) }
}

/// Least significant digit first over the highest 30 bits in which the keys differ; the few that are equal there are sorted
/// among themselves. Numbers of few digits, such as integers, differ in no other bits. What is beside an item's key decides
/// between equal keys by its order or, which must be the same, by its place.
fn radix<T: Copy + Default + Ord>(items: &mut Vec<T>, scratch: &mut Vec<T>, key: impl Fn(T) -> u64) {
    let first = key(items[0]);
    let different = items.iter().fold(0, |bits, item| bits | (key(*item) ^ first));
    let shift = (64 - different.leading_zeros()).saturating_sub(DIGIT * PASSES as u32);
    let digit = |key: u64, pass: usize| (key >> (shift + pass as u32 * DIGIT)) as usize & (BUCKETS - 1);
    let mut counts = [[0_u32; BUCKETS]; PASSES];
    for item in items.iter() {
        for (pass, counts) in counts.iter_mut().enumerate() {
            counts[digit(key(*item), pass)] += 1;
        }
    }
    scratch.resize(items.len(), T::default());
    for (pass, counts) in counts.iter_mut().enumerate() {
        if counts[digit(first, pass)] as usize == items.len() {
            continue;
        }
        let mut start = 0;
        for count in counts.iter_mut() {
            start += std::mem::replace(count, start);
        }
        for item in items.iter() {
            let place = &mut counts[digit(key(*item), pass)];
            scratch[*place as usize] = *item;
            *place += 1;
        }
        std::mem::swap(items, scratch);
    }
    if different.trailing_zeros() < shift {
        let mut start = 0;
        while start < items.len() {
            let high = key(items[start]) >> shift;
            let mut end = start + 1;
            while end < items.len() && key(items[end]) >> shift == high {
                end += 1;
            }
            if end - start > 1 {
                items[start..end].sort_unstable();
            }
            start = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keys_that_differ_in_low_bits_only_are_sorted(keys in prop::collection::vec(0_u64..1 << 20, 1500..2500), high in any::<u64>()) {
            let mut keys: Vec<u64> = keys.into_iter().map(|low| (high & !0xf_ffff) | low).collect();
            // One far away hides all others in the bits that are sorted by radix.
            for far in [None, Some(!high)] {
                keys.extend(far);
                let mut found = keys.clone();
                radix(&mut found, &mut Vec::new(), |key| key);
                keys.sort_unstable();
                prop_assert_eq!(&found, &keys);
            }
        }

        #[test]
        fn it_is_the_order_of_the_numbers(some in prop::collection::vec(any::<f64>(), 0..100), repeat in 1_usize..60) {
            let mut numbers: Vec<f64> = some.iter().filter(|v| !v.is_nan()).map(|v| v + 0.0).collect();
            numbers.extend([f64::INFINITY, f64::NEG_INFINITY, 0.0, f64::MIN_POSITIVE / 8.0, -f64::MIN_POSITIVE / 8.0]);
            let mut numbers = numbers.repeat(repeat);
            let found = sorted(numbers.iter().map(|v| key(*v)).collect(), &mut vec![7; 3]);
            numbers.sort_unstable_by(f64::total_cmp);
            prop_assert_eq!(found.iter().map(|v| v.to_bits()).collect::<Vec<_>>(), numbers.iter().map(|v| v.to_bits()).collect::<Vec<_>>());
        }
    }

    proptest! {
        #[test]
        fn places_are_in_the_order_of_the_numbers_and_then_their_own(some in prop::collection::vec(-30_i32..30, 1..100), repeat in 1_usize..60) {
            let numbers: Vec<f64> = some.iter().map(|v| f64::from(*v) / 7.0).collect::<Vec<_>>().repeat(repeat);
            let mut expected: Vec<u32> = (0..numbers.len() as u32).collect();
            expected.sort_by(|a, b| numbers[*a as usize].total_cmp(&numbers[*b as usize]));
            prop_assert_eq!(order(&numbers), expected);
        }
    }

    #[test]
    fn minus_zero_ties_with_zero() {
        assert_eq!(sorted(vec![key(0.0), key(-0.0), key(-1.0)], &mut Vec::new()), [-1.0, 0.0, 0.0]);
    }
}
