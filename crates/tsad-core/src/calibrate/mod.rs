//! From score to p-value and decision, by the scores of held-out training windows. May import `control`, `numeric`,
//! `series`.
//!
//! The contract: over many series, normal samples are flagged with probability `alpha` on average. Measured
//! on made normal series (`tsad-bench calibration`): within a factor of 2 for every `alpha` not below
//! [`Calibration::supported_alpha`] in the mean over kinds, and where a million samples were seen for every kind.

mod cluster;
mod labels;
mod tail;
pub(crate) mod tail_index;
mod uniformity;

pub use labels::Labels;
pub use tail::Tail;
pub(crate) use uniformity::MIN_P_VALUES;
pub use uniformity::Uniformity;

use crate::numeric::quantile::interpolated;
use cluster::ExceedanceClusters;
use serde::{Deserialize, Serialize};

/// What the calibration was made on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The training samples, each scored by a fit without the windows around it.
    HeldOut,
    /// The training samples with all centres, because there were too few to hold some out: p-values are too small.
    InSample,
    /// Later samples taken as normal.
    Recent,
    /// As before, with the threshold moved by what a user said of single stretches.
    Labels,
}

/// The number of knots of the body of the distribution.
const KNOTS: usize = 64;
/// The share of the scores that the tail is fitted to, where no more than [`MAX_TAIL_CLUSTERS`] clusters are seen.
const TAIL_SHARE: f64 = 0.1;
/// Of more clusters than this the highest alone tell of the tail.
const MAX_TAIL_CLUSTERS: usize = 200;
/// The usual place of the 90 % quantile counts as much as this many clusters.
const START_PRIOR_WEIGHT: f64 = 4.0;
/// The number of highest scores that are kept.
const HIGHEST: usize = 200;
/// The smallest `alpha`.
const MIN_ALPHA: f64 = 1e-300;
/// The largest `alpha`.
const MAX_ALPHA: f64 = 0.5;

/// How the scores of normal data are usually distributed before any is seen, in score units. The scores of every
/// series are brought to one unit, so that their distributions are alike
/// (docs/decisions/0012-few-rows-borrow-a-tail.md).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TailPrior {
    /// How far the 90 % quantile lies above the median.
    #[serde(rename = "rise")]
    pub body: f64,
    /// The scale of the tail.
    pub scale: f64,
}

impl TailPrior {
    /// Of scores that look at all windows of a sample.
    pub const RETROSPECTIVE: Self = Self {
        body: 0.5,
        scale: 0.35,
    };
    /// Of scores that look at the latest window only.
    pub const CAUSAL: Self = Self {
        body: 0.25,
        scale: 0.15,
    };

    /// The same with a tail as many times as wide.
    #[must_use]
    pub fn with_tail_scaled(self, factor: f64) -> Self {
        Self {
            scale: factor * self.scale,
            ..self
        }
    }

    /// The same of scores in units as many times as small.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        Self {
            body: factor * self.body,
            scale: factor * self.scale,
        }
    }
}

/// The distribution of scores on normal data, and the threshold at an error probability.
///
/// Up to its 90 % quantile (where many exceedance clusters are seen, up to the quantile that two hundred of them
/// exceed) the distribution is the empirical one, interpolated; beyond, a generalised Pareto tail (Pickands 1975,
/// doi:10.1214/aos/1176343003; Siffer et al. 2017, doi:10.1145/3097983.3098144). A few thousand training samples hold
/// one or two exceedance clusters, which tell next to nothing of a tail. So what was seen is joined with what is usual,
/// and the tail is that of new data: [`Tail::predictive`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// What the calibration was made on.
    pub source: Source,
    /// The number of scores it was made on.
    pub samples: u64,
    /// The number of scores that were set aside as a past incident.
    pub set_aside: u64,
    /// The number of exceedance clusters that the tail was fitted to; at least 1.
    #[serde(rename = "stretches")]
    pub clusters: u64,
    /// Scores from the lowest to the start of the tail, never decreasing: the probabilities to exceed them fall from
    /// one to [`Self::tail_share`] by equal factors.
    pub knots: Vec<f64>,
    /// The probability of the tail, a little above a tenth, or above less where many clusters were seen.
    pub tail_share: f64,
    /// The distribution beyond the last knot.
    pub tail: Tail,
    /// What was taken for usual where little was seen.
    #[serde(rename = "usual")]
    pub prior: TailPrior,
    /// The highest scores, at most 200, highest first.
    pub highest: Vec<f64>,
    /// The error probability per sample.
    pub alpha: f64,
    /// The score above which a sample is an anomaly.
    pub threshold: f64,
    /// The share of the calibration scores above the threshold.
    pub achieved: f64,
}

impl Calibration {
    /// The number of [`Self::knots`].
    pub(crate) const KNOTS: usize = KNOTS;
    /// The largest number of [`Self::highest`].
    pub(crate) const HIGHEST: usize = HIGHEST;
    /// The range of [`Self::alpha`].
    pub(crate) const ALPHA: std::ops::RangeInclusive<f64> = MIN_ALPHA..=MAX_ALPHA;

    /// Fits the distribution of scores given segment by segment in time order, one finite score at least,
    /// and the threshold at error probability `alpha`, 1e-300 to 0.5.
    ///
    /// Scores of neighbouring samples share windows, so that one event fills many samples: high scores less
    /// than `reach` samples apart count as one cluster, and what is uncertain about the tail is judged by the
    /// number of clusters (runs declustering, Smith and Weissman 1994,
    /// doi:10.1111/j.2517-6161.1994.tb01997.x).
    ///
    /// Clusters so high that the others make them all but impossible, together at most the share
    /// `contamination` of the scores, are set aside: a past incident must not lift the threshold.
    pub fn fit(
        segments: &[Vec<f64>],
        reach: usize,
        contamination: f64,
        prior: TailPrior,
        source: Source,
        alpha: f64,
    ) -> Self {
        let mut sorted: Vec<f64> = segments.concat();
        sorted.sort_by(f64::total_cmp);
        let start = interpolated(&sorted, 1.0 - TAIL_SHARE);
        let mut clusters = ExceedanceClusters::above(start, segments, reach, prior.scale);
        let set_aside = clusters.set_aside(contamination * sorted.len() as f64);
        sorted.truncate(sorted.len() - set_aside);
        let (share, kept) = share_of_tail(&sorted, &clusters);
        let high = interpolated(&sorted, 1.0 - share);
        let start = prior_start(&sorted, share, prior, kept);
        let knot = |k: usize| match k + 1 {
            KNOTS => start,
            _ => interpolated(&sorted, 1.0 - exceedance(share, k as f64, KNOTS)).min(start),
        };
        let excesses: Vec<f64> = sorted.iter().map(|s| s - high).filter(|e| *e > 0.0).collect();
        let calibration = Self {
            source,
            samples: sorted.len() as u64,
            set_aside: set_aside as u64,
            clusters: kept as u64,
            knots: (0..KNOTS).map(knot).collect(),
            tail_share: cluster::predictive_share(kept, share),
            tail: Tail::fit(&excesses).predictive(kept, prior.scale),
            prior,
            highest: sorted.iter().rev().take(HIGHEST).copied().collect(),
            alpha,
            threshold: 0.0,
            achieved: 0.0,
        };
        calibration.at(alpha)
    }

    /// The same distribution with the threshold at another error probability, 1e-300 to 0.5.
    #[must_use]
    pub fn at(&self, alpha: f64) -> Self {
        let alpha = alpha.clamp(MIN_ALPHA, MAX_ALPHA);
        let threshold = self.quantile_above(alpha);
        self.with_threshold(threshold, alpha)
    }

    fn with_threshold(&self, threshold: f64, alpha: f64) -> Self {
        Self {
            alpha,
            threshold,
            achieved: self.share_above(threshold),
            ..self.clone()
        }
    }

    /// The smallest `alpha` whose false-alarm rate can be relied on within a factor of 2 (on average over
    /// many series): a tenth over the square of the number of clusters. Below it too few
    /// independent high scores were seen, and the rate is the best guess.
    ///
    /// The rule is a measured one (`tsad-bench calibration`).
    pub fn supported_alpha(&self) -> f64 {
        TAIL_SHARE / (self.clusters as f64).powi(2)
    }

    /// Whether a score lies above the threshold.
    pub fn is_anomaly(&self, score: f64) -> bool {
        score > self.threshold
    }

    /// The probability of a score at least as high on normal data, from above 0 to 1; it lies below `alpha`
    /// exactly when the score lies above the threshold.
    pub fn p_value(&self, score: f64) -> f64 {
        let p = self.survival(score);
        if self.is_anomaly(score) {
            p.min(self.alpha.next_down()).max(f64::MIN_POSITIVE)
        } else {
            p.max(self.alpha)
        }
    }

    /// The score whose p-value is `p`, from above 0 to 1; it lies above the threshold exactly when `p` lies
    /// below `alpha`.
    pub fn score_of(&self, p: f64) -> f64 {
        let score = self.quantile_above(p.max(f64::MIN_POSITIVE));
        if p < self.alpha {
            score.max(self.threshold.next_up())
        } else {
            score.min(self.threshold)
        }
    }

    /// How many clusters as high as `score` the calibration scores let expect among as many scores.
    pub(crate) fn expected_clusters(&self, score: f64) -> f64 {
        self.clusters as f64 * self.survival(score) / self.tail_share
    }

    /// Where the tail begins.
    fn start(&self) -> f64 {
        self.knots[self.knots.len() - 1]
    }

    fn survival(&self, score: f64) -> f64 {
        if score > self.start() {
            return self.tail_share * self.tail.survival(score - self.start());
        }
        let above = self.knots.partition_point(|k| *k < score);
        if above == 0 {
            return 1.0;
        }
        let (low, high) = (self.knots[above - 1], self.knots[above]);
        let part = (score - low) / (high - low);
        exceedance(self.tail_share, (above - 1) as f64 + part, self.knots.len())
    }

    /// The score that normal data exceeds with probability `p`, above 0 and at most 1.
    fn quantile_above(&self, p: f64) -> f64 {
        let last = self.knots.len() - 1;
        if p <= self.tail_share {
            return self.knots[last] + self.tail.quantile_above(p / self.tail_share);
        }
        let at = p.ln() / self.tail_share.ln() * last as f64;
        let low = (at.floor() as usize).min(last - 1);
        self.knots[low] + (self.knots[low + 1] - self.knots[low]) * (at - low as f64)
    }

    /// The share of the calibration scores above `score`: exact among the highest scores, interpolated below.
    fn share_above(&self, score: f64) -> f64 {
        let above = self.highest.partition_point(|h| *h > score);
        if above < self.highest.len() || score > self.start() {
            return above as f64 / self.samples as f64;
        }
        let at = self.knots.partition_point(|k| *k <= score);
        let share = cluster::seen_share(self.clusters, self.tail_share);
        exceedance(share, at.saturating_sub(1) as f64, self.knots.len())
    }
}

/// The share of the ascending scores that the tail is fitted to, and the number of clusters above its start, one at
/// least. Only far out is a tail a Pareto one: where more is seen than a fit needs, it is fitted to the highest scores
/// alone.
fn share_of_tail(ascending: &[f64], clusters: &ExceedanceClusters) -> (f64, usize) {
    let mut share = TAIL_SHARE;
    loop {
        let above = clusters.peaking_above(interpolated(ascending, 1.0 - share));
        if above <= MAX_TAIL_CLUSTERS {
            return (share, above.max(1));
        }
        share *= MAX_TAIL_CLUSTERS as f64 / above as f64;
    }
}

/// The probability to exceed knot `k` of a number of `knots`, a share `share` being left to the tail; between two knots
/// the logarithm is interpolated.
fn exceedance(share: f64, k: f64, knots: usize) -> f64 {
    share.powf(k / (knots - 1) as f64)
}

/// Where a tail of probability `share` begins: between the quantile and where it usually lies, by how much was seen.
fn prior_start(ascending: &[f64], share: f64, prior: TailPrior, clusters: usize) -> f64 {
    let high = interpolated(ascending, 1.0 - share);
    let place = interpolated(ascending, 0.5) + prior.body + prior.scale * (TAIL_SHARE / share).ln();
    let k = clusters as f64;
    (k * high + START_PRIOR_WEIGHT * place) / (k + START_PRIOR_WEIGHT)
}

#[cfg(test)]
mod tests;
