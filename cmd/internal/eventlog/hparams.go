package eventlog

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	summarypb "github.com/wamuir/graft/tensorflow/core/framework/summary_go_proto"
	tensorpb "github.com/wamuir/graft/tensorflow/core/framework/tensor_go_proto"
	shapepb "github.com/wamuir/graft/tensorflow/core/framework/tensor_shape_go_proto"
	typespb "github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/rnnbin/rnnbin/cmd/internal/fit"
)

// The messages of TensorBoard's plugin for hyperparameters, of tensorboard/plugins/hparams/api.proto
// and plugin_data.proto, for which there is no Go package. Numbers are those of their fields.

// hparam is a hyperparameter: a number, a bool or a text.
type hparam struct {
	name  string
	value any
}

// hparamsOf are those of a recipe, by the names of settings.
func hparamsOf(r *fit.Recipe) []hparam {
	c := r.Network.WithDefaults()
	cells, units, activations := []string{}, []string{}, []string{}
	for _, l := range c.Layers {
		cells, units = append(cells, string(l.Cell)), append(units, fmt.Sprint(l.Units))
		if l.Activation != "" {
			activations = append(activations, string(l.Activation))
		}
	}
	if len(cells) == 0 {
		cells = []string{string(fit.NoCell)}
	}
	return []hparam{
		{"network", r.Name()}, {"cell", strings.Join(cells, ",")}, {"units", strings.Join(units, ",")},
		{"activation", strings.Join(activations, ",")}, {"bidirectional", c.Bidirectional}, {"steps", c.Window},
		{"lags", len(c.Lags)}, {"rolling", r.Rolling.String()}, {"series_scale", r.Within},
		{"loss", string(c.Loss)}, {"dropout", decimal(c.Dropout)}, {"input_noise", decimal(c.InputNoise)},
		{"optimizer", string(c.Optimizer)}, {"learning_rate", decimal(c.LearningRate)}, {"weight_decay", decimal(c.WeightDecay)},
		{"clip_norm", decimal(c.ClipNorm)}, {"schedule", string(r.Schedule.Decay)}, {"warmup", r.Schedule.Warmup},
		{"batch_size", r.Batch}, {"stride", r.Stride},
	}
}

// decimal is the number of the fewest digits that is v, so that 0.003 is not shown as
// 0.003000000026.
func decimal(v float32) float64 {
	d, _ := strconv.ParseFloat(strconv.FormatFloat(float64(v), 'g', -1, 32), 64)
	return d
}

// experiment describes what the sessions of a run have in common: which hyperparameters and
// metrics there are.
func experiment(p fit.Planned, at time.Time) value {
	of := appendDouble(nil, 3, seconds(at)) // time_created_secs
	if len(p.Rungs) > 0 {
		for _, h := range hparamsOf(p.Rungs[0].Recipe) {
			info := appendText(nil, 1, h.name)
			info = appendNumber(info, 4, kindOf(h.value))
			of = appendMessage(of, 4, info)
		}
	}
	metrics := []string{"epoch/loss"}
	if len(p.Folds) > 0 {
		metrics = append(metrics, heldBack+"/macro_f1", heldBack+"/pr_auc", heldBack+"/accuracy")
	}
	for _, tag := range metrics {
		name := appendMessage(nil, 1, appendText(nil, 2, tag))
		of = appendMessage(of, 5, name)
	}
	return hparamsValue("_hparams_/experiment", 2, of)
}

// kindOf is the DataType of a value.
func kindOf(v any) uint64 {
	switch v.(type) {
	case string:
		return 1
	case bool:
		return 2
	}
	return 3
}

// sessionStart has the hyperparameters of a job. Jobs of a network are a group, whose mean
// TensorBoard shows.
func sessionStart(j *job, at time.Time) value {
	var of []byte
	for _, h := range hparamsOf(j.Recipe) {
		of = appendMessage(of, 1, appendMessage(appendText(nil, 1, h.name), 2, valueOf(h.value)))
	}
	of = appendText(of, 4, j.Recipe.Name())
	return hparamsValue("_hparams_/session_start_info", 3, appendDouble(of, 5, seconds(at)))
}

// sessionEnd is that of a job that has come to its end.
func sessionEnd(at time.Time) value {
	const success = 1
	return hparamsValue("_hparams_/session_end_info", 4, appendDouble(appendNumber(nil, 1, success), 2, seconds(at)))
}

// valueOf is a google.protobuf.Value.
func valueOf(v any) []byte {
	of, err := structpb.NewValue(v)
	if err == nil {
		var text []byte
		if text, err = proto.Marshal(of); err == nil {
			return text
		}
	}
	panic(err) // there is none for the types of hparamsOf
}

// hparamsValue wraps a message that is a field of HParamsPluginData.
func hparamsValue(tag string, field protowire.Number, message []byte) value {
	content := appendMessage(nil, field, message)
	return pluginValue(tag, "hparams", content, &tensorpb.TensorProto{Dtype: typespb.DataType_DT_FLOAT, TensorShape: new(shapepb.TensorShapeProto), FloatVal: []float32{0}})
}

// pluginValue is a value that one of TensorBoard's plugins shows.
func pluginValue(tag, plugin string, content []byte, t *tensorpb.TensorProto) value {
	return &summarypb.Summary_Value{
		Tag:      tag,
		Metadata: &summarypb.SummaryMetadata{PluginData: &summarypb.SummaryMetadata_PluginData{PluginName: plugin, Content: content}},
		Value:    &summarypb.Summary_Value_Tensor{Tensor: t},
	}
}

func seconds(at time.Time) float64 { return float64(at.UnixMicro()) / 1e6 }

func appendMessage(to []byte, field protowire.Number, message []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(to, field, protowire.BytesType), message)
}

func appendText(to []byte, field protowire.Number, text string) []byte {
	return protowire.AppendString(protowire.AppendTag(to, field, protowire.BytesType), text)
}

func appendNumber(to []byte, field protowire.Number, n uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(to, field, protowire.VarintType), n)
}

func appendDouble(to []byte, field protowire.Number, v float64) []byte {
	return protowire.AppendFixed64(protowire.AppendTag(to, field, protowire.Fixed64Type), math.Float64bits(v))
}
