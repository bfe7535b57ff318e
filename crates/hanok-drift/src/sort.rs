//! Sorting numbers by radix.

/// Bits of one pass: six passes cover 64 bits, and the counts of all of them stay in the second cache.
const DIGIT: u32 = 11;
const BUCKETS: usize = 1 << DIGIT;
const PASSES: usize = 6;
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
    if keys.len() < RADIX_MIN {
        keys.sort_unstable();
    } else {
        radix(&mut keys, scratch);
    }
    keys.into_iter().map(value).collect()
}

fn digit(key: u64, pass: usize) -> usize {
    (key >> (pass as u32 * DIGIT)) as usize & (BUCKETS - 1)
}

/// Least significant digit first; passes in which all digits are equal are left out, so that integers and tied columns
/// take two or three.
fn radix(keys: &mut Vec<u64>, scratch: &mut Vec<u64>) {
    let mut counts = vec![[0_u32; BUCKETS]; PASSES];
    for key in keys.iter() {
        for (pass, counts) in counts.iter_mut().enumerate() {
            counts[digit(*key, pass)] += 1;
        }
    }
    scratch.resize(keys.len(), 0);
    for (pass, counts) in counts.iter_mut().enumerate() {
        if counts[digit(keys[0], pass)] as usize == keys.len() {
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
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
