//! Made series: the same numbers on every machine, no file needed.

use tsad_core::{Result, Samples};

use crate::MINUTE_US;

/// A series of `rows` rows a minute apart: in every channel two periods (60 and 1440 rows, a phase per channel)
/// and noise a tenth of their size, so that windows fall into many kinds as those of a real metric do, and a
/// spike of five rows every 5,000.
///
/// # Errors
/// Where `channels` is out of range.
pub fn series(rows: usize, channels: usize) -> Result<Samples> {
    let mut samples = Samples::new(channels)?;
    let mut noise = Noise(1);
    let mut row = vec![0.0; channels];
    for i in 0..rows {
        for (channel, value) in row.iter_mut().enumerate() {
            let phase = i as f64 + 17.0 * channel as f64;
            let turn = |period: f64| (std::f64::consts::TAU * phase / period).sin();
            let spike = if i % 5000 >= 4995 { 4.0 } else { 0.0 };
            *value = turn(60.0) + 0.5 * turn(1440.0) + 0.1 * noise.next() + spike;
        }
        samples.push(i as i64 * MINUTE_US, &row)?;
    }
    Ok(samples)
}

/// One channel of values, a minute apart.
///
/// # Errors
/// Where there are more values than a series may have.
pub fn minutely(values: impl IntoIterator<Item = f64>) -> Result<Samples> {
    let mut samples = Samples::new(1)?;
    for (i, v) in values.into_iter().enumerate() {
        samples.push(i as i64 * MINUTE_US, &[v])?;
    }
    Ok(samples)
}

/// Numbers that look like chance between -1 and 1 (SplitMix64, Steele, Lea and Flood 2014).
#[derive(Debug)]
pub struct Noise(pub u64);

impl Noise {
    /// The next number.
    #[expect(clippy::should_implement_trait, reason = "it never ends")]
    pub fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        (z >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_series_is_always_the_same() {
        let (a, b) = (series(6000, 2).unwrap(), series(6000, 2).unwrap());
        assert_eq!(a, b);
        assert!(a.row(4996)[0] > 2.0 && a.row(100)[0].abs() < 2.0);
    }

    #[test]
    fn noise_fills_its_range() {
        let mut noise = Noise(7);
        let values: Vec<f64> = (0..1000).map(|_| noise.next()).collect();
        assert!(values.iter().all(|v| (-1.0..1.0).contains(v)));
        assert!((values.iter().sum::<f64>() / 1000.0).abs() < 0.1);
        assert!(values.iter().any(|v| *v > 0.9) && values.iter().any(|v| *v < -0.9));
    }
}
