//! Categories: list, create, change.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use parlor_rooms::{Category, CategoryPatch, Directory, Edit, Scope};
use parlor_xccos::CategoryId;

use super::{Answer, Shared, edit};
use crate::control::error::ControlError;
use crate::control::{CategoryView, CreateCategory, UpdateCategory};
use crate::seed::{new_category_id, scope};

pub(super) async fn list(State(service): Shared) -> Json<Vec<CategoryView>> {
    let directory = service.directory.read();
    let mut categories: Vec<CategoryView> = directory
        .categories()
        .map(|category| view(&directory, category))
        .collect();
    categories.sort_by_cached_key(|category| category.name.to_lowercase());
    Json(categories)
}

pub(super) async fn create(
    State(service): Shared,
    body: Result<Json<CreateCategory>, JsonRejection>,
) -> Answer<CategoryView> {
    let Json(wanted) = body?;
    let id = new_category_id();
    let category = Category {
        description: wanted.description,
        allowed: allowed(&wanted.allowed)?,
        denied: scope(&wanted.denied).map_err(ControlError::Principal)?,
        creators: wanted.creators.into_iter().collect(),
        ..Category::new(id, wanted.name)
    };
    edit(&service, move |_| Ok(Edit::AddCategory(category))).await?;
    show(&service.directory.read(), id)
}

pub(super) async fn update(
    State(service): Shared,
    Path(category): Path<String>,
    body: Result<Json<UpdateCategory>, JsonRejection>,
) -> Answer<CategoryView> {
    let Json(wanted) = body?;
    let id = find(&service.directory.read(), &category)?.id;
    let denied = wanted
        .denied
        .as_deref()
        .map(|denied| scope(denied).map_err(ControlError::Principal));
    let patch = CategoryPatch {
        name: wanted.name,
        description: wanted.description,
        allowed: wanted.allowed.as_deref().map(allowed).transpose()?,
        denied: denied.transpose()?,
        creators: wanted.creators.map(|creators| creators.into_iter().collect()),
        ..CategoryPatch::default()
    };
    edit(&service, move |_| Ok(Edit::ChangeCategory(id, patch))).await?;
    show(&service.directory.read(), id)
}

/// A category by id or name.
pub(super) fn find<'a>(directory: &'a Directory, category: &str) -> Result<&'a Arc<Category>, ControlError> {
    let by_id = category.parse().ok().and_then(|id| directory.category(id));
    by_id
        .or_else(|| directory.category_by_name(category))
        .ok_or_else(|| ControlError::missing("category", category))
}

fn allowed(entries: &[String]) -> Result<Scope, ControlError> {
    if entries.is_empty() {
        return Ok(Scope::Everyone);
    }
    scope(entries).map_err(ControlError::Principal)
}

fn show(directory: &Directory, id: CategoryId) -> Answer<CategoryView> {
    let category = directory
        .category(id)
        .ok_or_else(|| ControlError::missing("category", &id.to_string()))?;
    Ok(Json(view(directory, category)))
}

fn view(directory: &Directory, category: &Category) -> CategoryView {
    let names = |scope: &Scope| scope.principals().map(ToString::to_string).collect();
    CategoryView {
        id: category.id.to_string(),
        name: category.name.clone(),
        description: category.description.clone(),
        allowed: names(&category.allowed),
        denied: names(&category.denied),
        creators: category.creators.iter().cloned().collect(),
        rooms: directory
            .rooms()
            .filter(|room| room.settings.category == category.id)
            .count(),
    }
}
