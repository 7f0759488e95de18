package eventlog

import (
	"encoding/binary"
	"math"

	tensorpb "github.com/wamuir/graft/tensorflow/core/framework/tensor_go_proto"
	shapepb "github.com/wamuir/graft/tensorflow/core/framework/tensor_shape_go_proto"
	typespb "github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"

	"github.com/rnnbin/rnnbin/cmd/internal/fit"
)

// thresholds is how many a curve has, from 0 to 1.
const thresholds = 201

// prCurves are those of the classes, of two classes that of the second, for the rows that folds
// held back.
func (l *Log) prCurves(j *fit.Judged) []value {
	names := l.data.Classes
	first := 0
	if len(names) == 2 {
		first = 1
	}
	var all []value
	for class := first; class < len(names); class++ {
		var c prCurve
		for i, fold := range j.Fold {
			if fold > 0 {
				c.add(j.Probability[i*len(names)+class], int(l.data.Labels[i]) == class)
			}
		}
		all = append(all, c.value(heldBack+"/"+names[class]))
	}
	return all
}

// prCurve counts rows by the highest threshold that their probability reaches, those of the
// class apart from others.
type prCurve struct{ others, class [thresholds]float64 }

func (c *prCurve) add(probability float32, of bool) {
	at := min(max(int(probability*(thresholds-1)), 0), thresholds-1)
	if of {
		c.class[at]++
	} else {
		c.others[at]++
	}
}

// value is the curve as TensorBoard's plugin takes it: at each threshold true and false
// positives, true and false negatives, precision and recall.
func (c *prCurve) value(tag string) value {
	const rows = 6
	var out [rows][thresholds]float64
	tp, fp, positives, negatives := 0.0, 0.0, 0.0, 0.0
	for i := range thresholds {
		positives += c.class[i]
		negatives += c.others[i]
	}
	for i := thresholds - 1; i >= 0; i-- {
		tp, fp = tp+c.class[i], fp+c.others[i]
		const some = 1e-7 // where there are none to divide by
		for row, v := range [rows]float64{tp, fp, negatives - fp, positives - tp, tp / max(some, tp+fp), tp / max(some, positives)} {
			out[row][i] = v
		}
	}
	t := &tensorpb.TensorProto{Dtype: typespb.DataType_DT_FLOAT, TensorShape: &shapepb.TensorShapeProto{
		Dim: []*shapepb.TensorShapeProto_Dim{{Size: rows}, {Size: thresholds}},
	}}
	for _, row := range out {
		for _, v := range row {
			t.TensorContent = binary.LittleEndian.AppendUint32(t.TensorContent, math.Float32bits(float32(v)))
		}
	}
	return pluginValue(tag, "pr_curves", appendNumber(nil, 2, thresholds), t) // PrCurvePluginData.num_thresholds
}
