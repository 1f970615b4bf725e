"""Its storage on a database: studies, trials of several processes, pruning, attributes, its command, its upgrade."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import optuna
from optuna.storages import RDBStorage

url = sys.argv[1].replace("postgresql:", "postgresql+psycopg2:")
optuna.logging.set_verbosity(optuna.logging.ERROR)


def command(*words):
    done = subprocess.run(["optuna", *words, "--storage", url], capture_output=True, text=True)
    print(*words, "->", done.returncode, done.stdout[:2000], flush=True)


storage = RDBStorage(url, heartbeat_interval=60, grace_period=120)
study = optuna.create_study(study_name="one", storage=storage, direction="minimize", sampler=optuna.samplers.TPESampler(seed=1), pruner=optuna.pruners.MedianPruner(n_startup_trials=3))
print(storage.get_current_version() == storage.get_head_version(), storage.get_all_versions())


def objective(trial):
    x, n, kind = trial.suggest_float("x", -5, 5), trial.suggest_int("n", 1, 64, log=True), trial.suggest_categorical("kind", ["a", None, 1.5, True])
    for step in range(4):
        trial.report(float("inf") if step == 0 else x * x + n / (step + 1), step)
        if trial.should_prune():
            raise optuna.TrialPruned()
    trial.set_user_attr("note", {"é": [1, None, "x" * 3000]})
    return x * x + n if trial.number != 5 else float("nan")


study.optimize(objective, n_trials=12)
print(study.best_trial.number, round(study.best_value, 9), {k: v if isinstance(v, str | None) else round(v, 9) for k, v in study.best_params.items()}, [t.state.name for t in study.trials])
study.set_user_attr("who", ["me", {"n": 1}]), study.set_metric_names(["loss"])
study.enqueue_trial({"x": 1.0, "n": 3, "kind": "a"}, user_attrs={"queued": True})
study.add_trial(optuna.create_trial(state=optuna.trial.TrialState.COMPLETE, value=-1e300, params={"x": 2.0}, distributions={"x": optuna.distributions.FloatDistribution(-5, 5)}, intermediate_values={0: float("-inf"), 1: float("nan")}))
print(study.user_attrs, study.best_value, study.trials[-1].intermediate_values, study.trials[-2].state.name, len(study.get_trials(states=(optuna.trial.TrialState.WAITING,))))
with ThreadPoolExecutor(4) as pool:
    list(pool.map(lambda n: optuna.load_study(study_name="one", storage=url, sampler=optuna.samplers.RandomSampler(seed=n)).optimize(objective, n_trials=3), range(4)))
print(sorted(t.number for t in study.trials) == list(range(len(study.trials))), len(study.trials), len({t._trial_id for t in study.trials}))
many = optuna.create_study(study_name="many", storage=storage, directions=["minimize", "maximize"], sampler=optuna.samplers.NSGAIISampler(seed=2, population_size=4))
many.optimize(lambda trial: (trial.suggest_float("x", 0, 5) ** 2, trial.suggest_float("y", 0, 3)), n_trials=10)
print(len(many.best_trials) > 0, [d.name for d in many.directions], [(s.study_name, s.n_trials, s.user_attrs) for s in optuna.get_all_study_summaries(storage)])
for wrong in (lambda: optuna.create_study(study_name="one", storage=storage), lambda: optuna.load_study(study_name="none", storage=storage)):
    try:
        wrong()
    except Exception as error:
        print(type(error).__name__, error)
for words in (("study-names",), ("study", "set-user-attr", "--study-name", "one", "--key", "k", "--value", "v"), ("ask", "--study-name", "many", "--sampler", "RandomSampler", "--sampler-kwargs", '{"seed": 1}'), ("storage", "upgrade"), ("delete-study", "--study-name", "many")):
    command(*words)
optuna.copy_study(from_study_name="one", from_storage=storage, to_storage=storage, to_study_name="copy")
optuna.delete_study(study_name="one", storage=storage)
print(optuna.get_all_study_names(storage))
