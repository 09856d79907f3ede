//! Many models between a folder and a bucket.

use tfjs_object_store::ObjectStoreRoutes;
use tfjs_router::{LoadOptions, Router, SaveOptions, SyncAction, SyncOptions, SyncPlan};
use tfjs_testkit::{assert_same_model, samples};

use crate::server::Server;

fn actions(plan: &SyncPlan) -> Vec<(&str, SyncAction)> {
    assert!(plan.errors.is_empty(), "{:?}", plan.errors);
    plan.items.iter().map(|item| (item.name.as_str(), item.action)).collect()
}

#[tokio::test]
async fn from_a_folder_to_a_bucket_and_back() {
    let server = Server::start();
    let routes = ObjectStoreRoutes::new().with_s3(server.builder()).routes();
    let router = Router::builder().routes(tfjs_fs::routes()).routes(routes).build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let [here, back] = ["here", "back"].map(|name| folder.path().join(name).to_str().unwrap().to_owned());
    for (name, model) in [("a", samples::filled(1.0)), ("b", samples::many_shards(3))] {
        router.save(&model, &format!("{here}/{name}"), &SaveOptions::new()).await.unwrap();
    }
    let options = SyncOptions::new();
    let sync = async |from: &str, to: &str| {
        let plan = router.plan_sync(from, to, &options).await.unwrap();
        let failed = router.run_sync(&plan, &options).await;
        assert!(failed.is_empty(), "{failed:?}");
        plan
    };
    let there = "s3://bucket/models";
    let first = sync(&here, there).await;
    assert_eq!(actions(&first), [("a", SyncAction::New), ("b", SyncAction::New)]);
    let unchanged = [("a", SyncAction::Unchanged), ("b", SyncAction::Unchanged)];
    // The store tells whole seconds: what was saved within the same one as the source may seem older, and is copied once more.
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    sync(&here, there).await;
    assert_eq!(actions(&sync(&here, there).await), unchanged);

    router.save(&samples::filled(2.0), &format!("{there}/a"), &SaveOptions::new()).await.unwrap();
    sync(there, &format!("{back}/")).await;
    assert_eq!(actions(&sync(there, &back).await), unchanged);
    assert_same_model(&router.load(&format!("{back}/a"), &LoadOptions::new()).await.unwrap(), &samples::filled(2.0));
    assert_same_model(&router.load(&format!("{back}/b"), &LoadOptions::new()).await.unwrap(), &samples::many_shards(3));
}

#[tokio::test]
async fn models_that_are_json_objects_are_found_again() {
    let server = Server::start();
    let routes = ObjectStoreRoutes::new().with_s3(server.builder()).routes();
    let router = Router::builder().routes(tfjs_fs::routes()).routes(routes).build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (folder.path().to_str().unwrap(), "s3://bucket/models");
    // One is deeper than a folder looks.
    for name in ["a.json", "deep/b"] {
        router.save(&samples::filled(1.0), &format!("{here}/{name}"), &SaveOptions::new()).await.unwrap();
        router.save(&samples::filled(1.0), &format!("{there}/{name}"), &SaveOptions::new()).await.unwrap();
    }
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    router.save(&samples::filled(1.0), &format!("{there}/a.json"), &SaveOptions::new()).await.unwrap();
    let mut options = SyncOptions::new();
    options.delete = true;
    assert_eq!(actions(&router.plan_sync(here, there, &options).await.unwrap()), [("a.json", SyncAction::Unchanged)]);

    // A model that has lost its weights is there, too.
    std::fs::remove_file(folder.path().join("deep/b/model.weights.bin")).unwrap();
    let plan = router.plan_sync(here, there, &options).await.unwrap();
    assert!(plan.items.iter().all(|item| item.action == SyncAction::Unchanged), "{plan:?}");
    assert!(plan.errors[0].to_string().contains("`model.weights.bin`"), "{plan:?}");
}
