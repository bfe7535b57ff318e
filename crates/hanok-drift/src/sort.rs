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

/// How many different keys there are; sorts them.
pub(crate) fn distinct(mut keys: Vec<u64>, scratch: &mut Vec<u64>) -> usize {
    sort(&mut keys, scratch);
    keys.chunk_by(|a, b| a == b).count()
}

/// Sorts keys.
pub(crate) fn sort(keys: &mut Vec<u64>, scratch: &mut Vec<u64>) {
    if keys.len() < RADIX_MIN { keys.sort_unstable() } else { radix(keys, scratch) }
}

/// Least significant digit first over the highest 30 bits in which the keys differ; the few that are equal there are sorted
/// among themselves. Numbers of few digits, such as integers, differ in no other bits.
fn radix(keys: &mut Vec<u64>, scratch: &mut Vec<u64>) {
    let first = keys[0];
    let different = keys.iter().fold(0, |bits, key| bits | (key ^ first));
    let shift = (64 - different.leading_zeros()).saturating_sub(DIGIT * PASSES as u32);
    let digit = |key: u64, pass: usize| (key >> (shift + pass as u32 * DIGIT)) as usize & (BUCKETS - 1);
    let mut counts = [[0_u32; BUCKETS]; PASSES];
    for key in keys.iter() {
        for (pass, counts) in counts.iter_mut().enumerate() {
            counts[digit(*key, pass)] += 1;
        }
    }
    scratch.resize(keys.len(), 0);
    for (pass, counts) in counts.iter_mut().enumerate() {
        if counts[digit(first, pass)] as usize == keys.len() {
            continue;
        }
        let mut start = 0;
        for count in counts.iter_mut() {
            start += std::mem::replace(count, start);
        }
        for key in keys.iter() {
            let place = &mut counts[digit(*key, pass)];
            scratch[*place as usize] = *key;
            *place += 1;
        }
        std::mem::swap(keys, scratch);
    }
    if different.trailing_zeros() < shift {
        let mut start = 0;
        while start < keys.len() {
            let high = keys[start] >> shift;
            let mut end = start + 1;
            while end < keys.len() && keys[end] >> shift == high {
                end += 1;
            }
            if end - start > 1 {
                keys[start..end].sort_unstable();
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
                radix(&mut found, &mut Vec::new());
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

    #[test]
    fn minus_zero_ties_with_zero() {
        assert_eq!(sorted(vec![key(0.0), key(-0.0), key(-1.0)], &mut Vec::new()), [-1.0, 0.0, 0.0]);
    }
}
