"""Has Label Studio's SDK check tasks, and submits their predictions as a person would.

    python check.py LABELS TASKS.json ANNOTATED.json

LABELS are those of the project, with commas. ANNOTATED.json gets the tasks as Label Studio
exports them when the predictions have been accepted as they are.
"""

import copy
import json
import sys

from label_studio_sdk.label_interface import LabelInterface

CONFIG = """<View>
  <TimeSeriesLabels name="label" toName="ts">{labels}</TimeSeriesLabels>
  <TimeSeries name="ts" valueType="url" value="$csv" timeColumn="t"><Channel column="x"/></TimeSeries>
</View>"""


def refuse(interface, prediction, change, what):
    """The check itself is checked: it finds what is made wrong."""
    wrong = copy.deepcopy(prediction)
    change(wrong["result"][0])
    if not interface.validate_prediction(wrong, return_errors=True):
        sys.exit(f"the SDK takes {what}")


def annotation(number, prediction):
    regions = [{k: v for k, v in region.items() if k != "score"} for region in prediction["result"]]
    return {"id": number, "was_cancelled": False, "result": regions}


def main(labels, tasks_file, annotated_file):
    interface = LabelInterface(CONFIG.format(labels="".join(f'<Label value="{name}"/>' for name in labels.split(","))))
    with open(tasks_file) as f:
        tasks = json.load(f)
    regions = 0
    for task in tasks:
        if not interface.validate_task({"data": task["data"]}):
            sys.exit(f"{task['data']} is no data of a task")
        for prediction in task["predictions"]:
            if wrong := interface.validate_prediction(prediction, return_errors=True):
                sys.exit("\n".join(wrong))
            regions += len(prediction["result"])
            refuse(interface, prediction, lambda r: r["value"].update(timeserieslabels=["nobody"]), "a label that is not there")
            refuse(interface, prediction, lambda r: r["value"].pop("start"), "a region without a start")
            refuse(interface, prediction, lambda r: r.update(to_name="elsewhere"), "another object's region")
    exported = [
        {"id": i, "data": task["data"], "annotations": [annotation(i, p) for p in task["predictions"]], "predictions": []}
        for i, task in enumerate(tasks, 1)
    ]
    for task in exported:
        for a in task["annotations"]:
            if not interface.validate_annotation(a):
                sys.exit("the SDK refuses an annotation")
    with open(annotated_file, "w") as f:
        json.dump(exported, f, indent=1)
        f.write("\n")
    print(f"{regions} regions are as they should be")


main(*sys.argv[1:])
