//! Fewer clusters: those merged that tell little apart (Ward 1963, doi:10.1080/01621459.1963.10500845).

use super::kmeans::Centres;

/// Two clusters are merged where that adds less than this share of the sum of squares about the mean of all points,
const MIN_TOTAL_SHARE: f64 = 0.02;
/// or less than this share of the sum of squares about the centres.
const MIN_REST_SHARE: f64 = 0.1;

/// A cluster: its mean and the number of its points.
struct Cluster {
    mean: Vec<f64>,
    points: f64,
}

impl Cluster {
    /// What merging two clusters adds to the sum of squares about the centres.
    fn cost(&self, other: &Self) -> f64 {
        let square: f64 = self
            .mean
            .iter()
            .zip(&other.mean)
            .map(|(a, b)| (a - b).powi(2))
            .sum();
        square * self.points * other.points / (self.points + other.points)
    }

    fn join(&mut self, other: &Self) {
        let points = self.points + other.points;
        for (a, b) in self.mean.iter_mut().zip(&other.mean) {
            *a = (*a * self.points + b * other.points) / points;
        }
        self.points = points;
    }
}

/// The centres of the clusters of `points`, rows of `dim` coordinates, that remain when the two of least cost are
/// merged as long as they tell little apart. Clusters without points go; one remains at least.
pub(crate) fn merged(points: &[f32], dim: usize, centres: &Centres) -> Centres {
    let mut clusters: Vec<Cluster> = (0..centres.len())
        .map(|_| Cluster {
            mean: vec![0.0; dim],
            points: 0.0,
        })
        .collect();
    let mut all = Cluster {
        mean: vec![0.0; dim],
        points: 0.0,
    };
    let rows = || points.chunks_exact(dim);
    let classes: Vec<usize> = rows().map(|p| centres.nearest(p).0).collect();
    for (p, class) in rows().zip(&classes) {
        for cluster in [&mut clusters[*class], &mut all] {
            cluster.points += 1.0;
            cluster
                .mean
                .iter_mut()
                .zip(p)
                .for_each(|(m, v)| *m += f64::from(*v));
        }
    }
    for cluster in clusters.iter_mut().chain([&mut all]).filter(|c| c.points > 0.0) {
        cluster.mean.iter_mut().for_each(|m| *m /= cluster.points);
    }
    let about = |mean: &[f64], p: &[f32]| -> f64 {
        let squares = mean.iter().zip(p).map(|(m, v)| (m - f64::from(*v)).powi(2));
        squares.sum()
    };
    let total: f64 = rows().map(|p| about(&all.mean, p)).sum();
    let mut within: f64 = rows()
        .zip(&classes)
        .map(|(p, c)| about(&clusters[*c].mean, p))
        .sum();
    clusters.retain(|c| c.points > 0.0);
    while let Some((a, b, cost)) = nearest_pair(&clusters) {
        if cost >= MIN_TOTAL_SHARE * total && cost >= MIN_REST_SHARE * within {
            break;
        }
        let gone = clusters.remove(b);
        clusters[a].join(&gone);
        within += cost;
    }
    if clusters.is_empty() {
        return centres.clone();
    }
    let rows = clusters.iter().flat_map(|c| c.mean.iter().map(|m| *m as f32));
    Centres::from_rows(rows.collect(), dim)
}

/// The two clusters, the first before the second, that cost least to merge.
fn nearest_pair(clusters: &[Cluster]) -> Option<(usize, usize, f64)> {
    let pairs = (1..clusters.len()).flat_map(|b| (0..b).map(move |a| (a, b)));
    let costs = pairs.map(|(a, b)| (a, b, clusters[a].cost(&clusters[b])));
    costs.min_by(|x, y| x.2.total_cmp(&y.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points around the given places, `n` each, all within 0.01.
    fn around(places: &[f32], n: usize) -> Vec<f32> {
        let point = |i: usize| places[i % places.len()] + 0.01 * ((i * 7919 % 101) as f32 / 101.0 - 0.5);
        (0..n * places.len()).map(point).collect()
    }

    #[test]
    fn what_tells_little_apart_is_merged() {
        let points = around(&[0.0, 1.0, 5.0], 50);
        let split = Centres::from_rows(vec![-0.002, 0.002, 0.998, 1.002, 5.0, 9.0], 1);
        let mut found = merged(&points, 1, &split).rows().to_vec();
        found.sort_by(f32::total_cmp);
        assert_eq!(found.len(), 3, "{found:?}");
        for (found, place) in found.iter().zip([0.0, 1.0, 5.0]) {
            assert!((found - place).abs() < 0.01);
        }
    }

    #[test]
    fn equal_points_are_one_cluster() {
        let split = Centres::from_rows(vec![3.0, 4.0], 1);
        assert_eq!(merged(&[3.0; 20], 1, &split).rows(), [3.0]);
    }
}
