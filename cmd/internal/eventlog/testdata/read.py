"""Print what TensorBoard reads from a folder of event files, as JSON."""

import json
import sys

from tensorboard import context
from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
from tensorboard.plugins import base_plugin
from tensorboard.plugins.hparams import api_pb2, backend_context, get_experiment, list_session_groups
from tensorboard.util import tensor_util
from google.protobuf import json_format

folder = sys.argv[1]
all_of_them = {plugin: 0 for plugin in ("scalars", "histograms", "images", "pr_curves", "hparams")}
multiplexer = plugin_event_multiplexer.EventMultiplexer(tensor_size_guidance=all_of_them)
multiplexer.AddRunsFromDirectory(folder)
multiplexer.Reload()


def value(event):
    array = tensor_util.make_ndarray(event.tensor_proto)
    if array.dtype == object:  # a picture: width, height, PNG
        array = array[:2].astype(int)
    return array.tolist()


runs = {}
for run, tags in multiplexer.Runs().items():
    runs[run] = {"plugins": {}, "steps": {}, "times": {}, "values": {}, "ops": []}
    for tag in tags["tensors"]:
        plugin = multiplexer.SummaryMetadata(run, tag).plugin_data.plugin_name
        if plugin not in all_of_them or plugin == "hparams":
            continue
        events = multiplexer.Tensors(run, tag)
        runs[run]["plugins"][tag] = plugin
        runs[run]["steps"][tag] = [e.step for e in events]
        runs[run]["times"][tag] = [e.wall_time for e in events]
        runs[run]["values"][tag] = [value(e) for e in events]
    if tags["graph"]:
        graph = multiplexer.Graph(run)
        nodes = list(graph.node) + [n for f in graph.library.function for n in f.node_def]
        runs[run]["ops"] = sorted({n.op for n in nodes})

provider = data_provider.MultiplexerDataProvider(multiplexer, folder)
hparams = backend_context.Context(base_plugin.TBContext(data_provider=provider, logdir=folder))
request = context.RequestContext()
experiment = get_experiment.Handler(request, hparams, "", api_pb2.GetExperimentRequest()).run()
metrics = [api_pb2.ColParams(metric=m.name) for m in experiment.metric_infos]
groups = list_session_groups.Handler(
    request, hparams, "",
    api_pb2.ListSessionGroupsRequest(
        start_index=0, slice_size=100, col_params=metrics, aggregation_type=api_pb2.AGGREGATION_AVG,
        allowed_statuses=[api_pb2.STATUS_UNKNOWN, api_pb2.STATUS_SUCCESS, api_pb2.STATUS_FAILURE, api_pb2.STATUS_RUNNING])).run()
json.dump({
    "runs": runs,
    "hparams": json_format.MessageToDict(experiment)["hparamInfos"],
    "groups": [{
        "name": g.name,
        "hparams": {name: json_format.MessageToDict(v) for name, v in g.hparams.items()},
        "metrics": {m.name.tag: m.value for m in g.metric_values},
        "sessions": {s.name: api_pb2.Status.Name(s.status) for s in g.sessions},
    } for g in groups.session_groups],
}, sys.stdout)
