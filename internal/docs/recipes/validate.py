"""Checks the recipes of this folder against the schemas of what runs them.

    python3 -m venv /tmp/recipes && /tmp/recipes/bin/pip install -r internal/docs/recipes/requirements.txt
    make build && /tmp/recipes/bin/python internal/docs/recipes/validate.py [bin/paylake]

Kubernetes: the JSON schemas of its API, strictly. ECS and EventBridge: the
service models of the AWS SDK for Python, and the limits that these do not have. systemd:
systemd-analyze, where it is installed. cron: the form of the lines, and bash. Airflow: the
syntax, and the whole DAG where Airflow is installed. Every paylake command: its flags
against the help of the binary. A line per check; exit code 1 if one fails.
"""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
failures = []


def path(name):
    return os.path.join(HERE, name)


def text(name):
    with open(path(name), encoding="utf-8") as f:
        return f.read()


def tell(what, problem=None):
    print(f"{'FAIL' if problem else 'ok  '} {what}{': ' + str(problem) if problem else ''}", flush=True)
    if problem:
        failures.append(what)


def kubernetes():
    import kubernetes_validate
    import yaml

    manifest = yaml.safe_load(text("cronjob.yaml"))
    version = kubernetes_validate.latest_version()
    problem = None
    try:
        kubernetes_validate.validate(manifest, version, strict=True)
    except kubernetes_validate.ValidationError as e:
        problem = f"{e.path}: {e.message}"
    tell(f"cronjob.yaml: schema of Kubernetes {version}", problem)
    pod = manifest["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    tell("cronjob.yaml: podFailurePolicy needs restartPolicy Never", None if pod["restartPolicy"] == "Never" else pod["restartPolicy"])
    mounts = {m["name"] for c in pod["containers"] for m in c["volumeMounts"]}
    volumes = {v["name"] for v in pod["volumes"]}
    tell("cronjob.yaml: every mount has its volume", None if mounts == volumes else mounts ^ volumes)
    commands("cronjob.yaml", pod["containers"][0]["args"])


def aws(file, service, operation):
    import botocore.loaders
    import botocore.model
    import botocore.validate

    model = botocore.model.ServiceModel(botocore.loaders.Loader().load_service_model(service, "service-2"), service)
    shape = model.operation_model(operation).input_shape
    value = json.loads(text(file))
    report = botocore.validate.ParamValidator().validate(value, shape)
    tell(f"{file}: {service} {operation}", report.generate_report() or None)
    return value


def ecs():
    task = aws("ecs-task.json", "ecs", "RegisterTaskDefinition")
    sizes = {"256": (512, 2048), "512": (1024, 4096), "1024": (2048, 8192)}  # CPU units: memory in MiB on Fargate
    low, high = sizes[task["cpu"]]
    tell("ecs-task.json: memory fits the CPU on Fargate", None if low <= int(task["memory"]) <= high else task["memory"])
    container = task["containerDefinitions"][0]
    tell("ecs-task.json: stopTimeout is at most 120 on Fargate", None if container["stopTimeout"] <= 120 else container["stopTimeout"])
    commands("ecs-task.json", container["command"])
    aws("ecs-schedule.json", "scheduler", "CreateSchedule")


def systemd():
    for key in ("TimeoutStopSec=15", "SuccessExitStatus=130"):
        tell(f"paylake.service: {key}", None if f"\n{key}\n" in text("paylake.service") else "missing")
    commands("paylake.service", re.search(r"^ExecStart=\S+ (.*)$", text("paylake.service"), re.M)[1].split())
    if not shutil.which("systemd-analyze"):
        print("   no systemd-analyze here: paylake.service and paylake.timer were not verified", flush=True)
        return
    with tempfile.TemporaryDirectory() as folder:
        units = []
        for name in ("paylake.service", "paylake.timer"):
            # The program need not be installed where this runs.
            unit = text(name).replace("/usr/local/bin/paylake", "/bin/true")
            units.append(os.path.join(folder, name))
            with open(units[-1], "w", encoding="utf-8") as f:
                f.write(unit)
        done = subprocess.run(["systemd-analyze", "verify", "--recursive-errors=no", *units], capture_output=True, text=True)
        tell("paylake.service, paylake.timer: systemd-analyze verify", (done.stdout + done.stderr).strip() or (done.returncode or None))
    calendar = re.search(r"^OnCalendar=(.*)$", text("paylake.timer"), re.M)[1]
    done = subprocess.run(["systemd-analyze", "calendar", calendar], capture_output=True, text=True)
    tell("paylake.timer: OnCalendar", done.stderr.strip() if done.returncode else None)


def cron():
    lines = [line for line in text("crontab").splitlines() if line and not line.startswith("#")]
    jobs = [line for line in lines if not re.match(r"[A-Z_]+=", line)]
    tell("crontab: two jobs", None if len(jobs) == 2 else len(jobs))
    for line in jobs:
        match = re.fullmatch(r"((?:[\d*/,-]+\s+){5})(\w+)\s+(.*)", line)
        tell("crontab: five times, a user and a command", None if match else line)
        command = match[3]
        tell("crontab: no % (cron makes it a line break)", command if "%" in command else None)
        done = subprocess.run(["bash", "-n", "-c", command], capture_output=True, text=True)
        tell("crontab: bash reads the command", done.stderr.strip() or None)
        commands("crontab", command.split("/usr/local/bin/paylake ")[1].split(">")[0].split())


def airflow():
    tree = ast.parse(text("dag.py"))
    found = [n for n in ast.walk(tree) if isinstance(n, ast.JoinedStr)]
    for one in found:
        words = "".join(p.value for p in one.values if isinstance(p, ast.Constant))
        commands("dag.py", words.removeprefix("exec paylake ").split())
    try:
        import airflow.sdk  # noqa: F401
    except ImportError:
        print("   no Airflow here: dag.py was not loaded", flush=True)
        return
    scope = {}
    exec(compile(tree, path("dag.py"), "exec"), scope)
    tell("dag.py: Airflow loads it", None if set(scope["dag"].task_dict) == {"sync", "fresh"} else list(scope["dag"].task_dict))


def commands(file, words):
    """Checks the command and the flags of a call of paylake."""
    binary = sys.argv[1] if len(sys.argv) > 1 else "bin/paylake"
    done = subprocess.run([binary, words[0], "--help"], capture_output=True, text=True)
    missing = [w for w in words[1:] if w.startswith("--") and w.split("=")[0] + " " not in done.stdout.replace(",", " ")]
    problem = done.stderr.strip() if done.returncode else (f"no flag {missing}" if missing else None)
    tell(f"{file}: paylake {words[0]} has its flags", problem)


def main():
    for check in (kubernetes, ecs, systemd, cron, airflow):
        check()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
