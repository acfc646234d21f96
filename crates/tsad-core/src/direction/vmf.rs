//! The von Mises-Fisher distribution of directions.

/// The continued fraction of the ratio of Bessel functions ends when a term changes it by less than this share.
const PRECISION: f64 = 1e-14;
/// The largest number of terms of the continued fraction.
const MAX_TERMS: usize = 10_000;
/// The largest concentration: beyond it the resultant length differs from 1 by less than can be computed.
pub(crate) const MAX_CONCENTRATION: f64 = 1e12;

/// Mean direction and resultant length of directions without sign.
#[derive(Debug, Clone, PartialEq)]
pub struct Mean {
    /// The mean direction, of unit length.
    pub direction: Vec<f64>,
    /// The length of the mean of the aligned directions, 0 to 1.
    pub resultant: f64,
}

impl Mean {
    /// The mean of unit vectors, at least one. A direction has no sign: each is aligned to the mean, which is
    /// found again until no sign changes, from the first vector on.
    pub fn of(axes: &[Vec<f64>]) -> Self {
        let mut direction = axes[0].clone();
        let mut resultant = 1.0;
        for _ in 0..20 {
            let mut sum = vec![0.0; direction.len()];
            for axis in axes {
                let sign = dot(axis, &direction).signum();
                sum.iter_mut().zip(axis).for_each(|(s, a)| *s += sign * a);
            }
            let length = dot(&sum, &sum).sqrt();
            let next: Vec<f64> = sum.iter().map(|s| s / length.max(f64::MIN_POSITIVE)).collect();
            resultant = (length / axes.len() as f64).min(1.0);
            let still = axes.iter().all(|a| dot(a, &next) * dot(a, &direction) >= 0.0);
            direction = next;
            if still {
                break;
            }
        }
        Self { direction, resultant }
    }

    /// The concentration kappa, see [`concentration`].
    pub fn concentration(&self) -> f64 {
        concentration(self.resultant, self.direction.len())
    }
}

/// The inner product.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// The maximum-likelihood concentration, 0 to 1e12, of directions in `dim` dimensions with resultant length
/// `resultant`, 0 to 1: the approximation of Banerjee et al. (2005, JMLR 6:1345-1382) and two Newton steps
/// (Sra 2012, doi:10.1007/s00180-011-0232-x).
pub fn concentration(resultant: f64, dim: usize) -> f64 {
    let (r, d) = (resultant.clamp(0.0, 1.0), dim as f64);
    let mut kappa = r * (d - r * r) / (1.0 - r * r);
    if kappa.is_nan() || kappa >= MAX_CONCENTRATION {
        return MAX_CONCENTRATION;
    }
    for _ in 0..2 {
        if kappa <= 0.0 {
            return 0.0;
        }
        let a = bessel_ratio(kappa, dim);
        kappa -= (a - r) / (1.0 - a * a - (d - 1.0) / kappa * a);
    }
    kappa.clamp(0.0, MAX_CONCENTRATION)
}

/// `A_d(kappa) = I_{d/2}(kappa) / I_{d/2-1}(kappa)`, the expected resultant length, by Gauss's continued
/// fraction (modified Lentz method; Thompson and Barnett 1986, doi:10.1016/0021-9991(86)90046-X).
pub fn bessel_ratio(kappa: f64, dim: usize) -> f64 {
    // 1/A = d/kappa + 1/((d+2)/kappa + 1/((d+4)/kappa + ...)), all terms positive.
    let term = |k: usize| (dim + 2 * k) as f64 / kappa;
    let mut value = term(0);
    let (mut c, mut d) = (value, 0.0);
    for k in 1..MAX_TERMS {
        d = 1.0 / (term(k) + d);
        c = term(k) + 1.0 / c;
        value *= c * d;
        if (c * d - 1.0).abs() < PRECISION {
            break;
        }
    }
    1.0 / value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_three_dimensions_the_ratio_has_a_closed_form() {
        for kappa in [0.01, 0.5, 3.0, 20.0, 500.0] {
            let closed = 1.0 / f64::tanh(kappa) - 1.0 / kappa;
            assert!((bessel_ratio(kappa, 3) / closed - 1.0).abs() < 1e-10, "{kappa}");
        }
    }

    #[test]
    fn the_concentration_inverts_the_ratio() {
        for dim in [2, 3, 16, 64] {
            for kappa in [0.5, 5.0, 80.0, 3000.0] {
                let found = concentration(bessel_ratio(kappa, dim), dim);
                assert!((found / kappa - 1.0).abs() < 1e-3, "{dim} {kappa} {found}");
            }
        }
        assert_eq!(concentration(0.0, 5), 0.0);
        assert_eq!(concentration(1.0, 5), MAX_CONCENTRATION);
    }

    #[test]
    fn signs_do_not_matter() {
        let axes = [vec![0.6, 0.8], vec![-0.8, -0.6], vec![0.6, 0.8]];
        let mean = Mean::of(&axes);
        assert!(mean.direction.iter().all(|v| *v > 0.6));
        assert!(mean.resultant > 0.98 && mean.resultant < 1.0);
    }
}
