//! Where everything is in a window such as GNS3's, in pixels: each network's switch above the nodes that are on it
//! alone, and above the switches what is on several. Labs without networks form a ring.

use std::collections::BTreeMap;
use std::f64::consts::TAU;

use protocol::name::NetworkName;
use serde::{Deserialize, Serialize};

use crate::topology::Topology;
use crate::topology::model::{Attachment, Node};

/// The middle of something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// To the right.
    pub x: i32,
    /// Downwards.
    pub y: i32,
}

/// Where everything is. The middle of all is at 0, 0.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Positions {
    /// Each node, in the file's order.
    pub nodes: Vec<Point>,
    /// Each network's switch.
    pub switches: BTreeMap<NetworkName, Point>,
    /// The lower right corner; the upper left one is opposite.
    pub corner: Point,
}

impl Positions {
    /// Finds them.
    pub fn of(topology: &Topology) -> Self {
        let mut found = if topology.networks.is_empty() {
            ring(topology.nodes.len())
        } else {
            rows(topology)
        };
        found.centre();
        found
    }

    fn centre(&mut self) {
        let all = || self.nodes.iter().chain(self.switches.values());
        let span = |of: fn(&Point) -> i32| {
            let (low, high) = (all().map(of).min(), all().map(of).max());
            (low.unwrap_or(0), high.unwrap_or(0))
        };
        let (x, y) = (span(|p| p.x), span(|p| p.y));
        let (left, up) = (grid(i32::midpoint(x.0, x.1)), grid(i32::midpoint(y.0, y.1)));
        for point in self.nodes.iter_mut().chain(self.switches.values_mut()) {
            point.x -= left;
            point.y -= up;
        }
        self.corner = Point {
            x: x.1 - left,
            y: y.1 - up,
        };
    }
}

/// Nodes that only wires connect, in a circle that leaves room for each.
fn ring(count: usize) -> Positions {
    let nodes = f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    let radius = (nodes * f64::from(COLUMN) / TAU).max(f64::from(ROW));
    let point = |place| {
        let angle = TAU * f64::from(place) / nodes - TAU / 4.0;
        Point {
            x: pixels(radius * angle.cos()),
            y: pixels(radius * angle.sin()),
        }
    };
    let last = u32::try_from(count).unwrap_or(u32::MAX);
    Positions {
        nodes: (0..last).map(point).collect(),
        ..Positions::default()
    }
}

fn rows(topology: &Topology) -> Positions {
    let mut found = Positions {
        nodes: vec![Point::default(); topology.nodes.len()],
        ..Positions::default()
    };
    let mut left = 0;
    for network in topology.networks.keys() {
        let nodes = topology.nodes.iter().enumerate();
        let leaves: Vec<usize> = nodes
            .filter(|(_, node)| is_leaf_of(node, network))
            .map(|(place, _)| place)
            .collect();
        let columns = index(leaves.len()).clamp(1, WIDEST);
        for (number, &place) in leaves.iter().enumerate() {
            let (row, column) = (index(number) / columns, index(number) % columns);
            // Rows are shifted against each other, so that no wire runs behind a node.
            let shift = row % 2 * COLUMN / 2;
            found.nodes[place] = Point {
                x: left + column * COLUMN + shift,
                y: BELOW + row * ROW,
            };
        }
        let middle = Point {
            x: left + (columns - 1) * COLUMN / 2,
            y: 0,
        };
        found.switches.insert(network.clone(), middle);
        left += (columns + 1) * COLUMN;
    }
    place_between(topology, &mut found);
    found
}

/// Those that are on several networks or on wires stand above, near the middle of what they are on.
fn place_between(topology: &Topology, found: &mut Positions) {
    let mut wishes: Vec<(i32, usize)> = Vec::new();
    for (place, node) in topology.nodes.iter().enumerate() {
        if !topology.networks.keys().any(|n| is_leaf_of(node, n)) {
            let on = node.interfaces.iter().filter_map(|i| match &i.attachment {
                Attachment::Network(network) => found.switches.get(network).map(|at| at.x),
                Attachment::Link(_) => None,
            });
            let on: Vec<i32> = on.collect();
            let sum: i32 = on.iter().sum();
            wishes.push((sum / index(on.len()).max(1), place));
        }
    }
    wishes.sort_unstable();
    let mut free = i32::MIN;
    for (wish, place) in wishes {
        let x = wish.max(free);
        free = x + COLUMN;
        found.nodes[place] = Point { x, y: -ABOVE };
    }
}

/// Whether a node is on this network and nothing else.
fn is_leaf_of(node: &Node, network: &NetworkName) -> bool {
    match node.interfaces.as_slice() {
        [only] => only.attachment == Attachment::Network(network.clone()),
        _ => false,
    }
}

fn index(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn grid(value: i32) -> i32 {
    value / GRID * GRID
}

/// Where the corner of a picture is whose middle is `at`.
pub fn corner(at: Point, half: Point) -> (i32, i32) {
    (at.x - half.x, at.y - half.y)
}

/// A length as a whole number of pixels. Lengths here are far below what fits.
pub fn pixels(length: f64) -> i32 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "rounded, and cut to what fits"
    )]
    let whole = length.round() as i32;
    whole
}

/// From the corner of a node's picture to its middle.
pub const HALF_NODE: Point = Point { x: 32, y: 32 };
/// The same of a switch's.
pub const HALF_SWITCH: Point = Point { x: 36, y: 16 };

/// From the middle of one node to that of the next.
const COLUMN: i32 = 150;
const ROW: i32 = 150;

/// From a switch to what is below it, and above it.
const BELOW: i32 = 175;
const ABOVE: i32 = 175;

/// The most nodes in a row.
const WIDEST: i32 = 8;

/// The grid that nodes snap to.
const GRID: i32 = 25;
