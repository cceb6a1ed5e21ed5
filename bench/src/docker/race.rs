//! `docker`: nodes on one network in containers, until each is ready; the peers only start them.

use orchestrator::backend::BackendKind;

use crate::entrant::Entrant;
use crate::error::BenchError;
use crate::ours::Ours;
use crate::peers::{self, Peer};
use crate::race::{self, Heat, Limits};
use crate::table::{self, Caption, Target};

use super::api::PlainApi;
use super::compose::Compose;
use super::engine::Engine;

/// Runs it.
///
/// # Errors
/// If ours fails, or something stays behind.
pub async fn race(quick: bool, limits: &Limits) -> Result<(), BenchError> {
    let mut ours = Ours::new(BackendKind::Docker)?;
    let image = built_in_image(&mut ours).await?;
    let mut entrants: Vec<Box<dyn Entrant>> = vec![
        Box::new(ours),
        Box::new(PlainApi::new(Engine::new("api")?, &image)),
    ];
    if let Some(version) = peers::installed(&COMPOSE) {
        let compose = Compose::new(Engine::new("compose")?, &image, &version)?;
        entrants.push(Box::new(compose));
    }
    for course in COURSES {
        let (nodes, rounds) = (course.nodes, course.rounds(quick));
        if rounds == 0 {
            continue;
        }
        let series = race::run(&mut entrants, Heat { nodes, rounds }, limits).await?;
        let caption = Caption {
            title: &format!("docker: {nodes} nodes on one network"),
            columns: ("up", Some("down")),
            target: Some(Target::TimesOf(course.target, super::api::NAME)),
        };
        table::print(&caption, &series);
    }
    Ok(())
}

/// The image that ours runs in its nodes, which the peers shall run too. The engine has it from then
/// on, so no entrant pays for making it.
async fn built_in_image(ours: &mut Ours) -> Result<String, BenchError> {
    let raised = ours.up(1).await;
    let image = match ours.lab() {
        Ok(lab) => {
            Engine::new("image")?
                .image_of_lab(&lab.id().to_string())
                .await
        }
        Err(error) => Err(error),
    };
    ours.down().await?;
    ours.sweep().await?;
    raised?;
    image
}

struct Course {
    nodes: u16,
    rounds: usize,
    quick: usize,
    /// Times of plain API calls.
    target: f64,
}

impl Course {
    /// How often; never: it is left out.
    fn rounds(&self, quick: bool) -> usize {
        if quick { self.quick } else { self.rounds }
    }
}

const COURSES: [Course; 2] = [
    Course {
        nodes: 3,
        rounds: 15,
        quick: 5,
        target: 1.1,
    },
    Course {
        nodes: 50,
        rounds: 11,
        quick: 0,
        target: 1.05,
    },
];

const COMPOSE: Peer = Peer {
    name: "docker-compose",
    needs: &["docker-compose"],
    package: "docker-compose",
    install: "apt-get install docker-compose",
};
