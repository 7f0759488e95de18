package serve

import "strings"

// operations are the requests that there are.
var operations = []struct{ path, method, id, about, body, answer string }{
	{"/v1/models", "get", "models", "The models, and what is known of them", "", "Models"},
	{"/v1/models/{model}", "get", "status", "Status of a model's versions", "", "Status"},
	{"/v1/models/{model}/metadata", "get", "metadata", "Signature of a model", "", "Any"},
	{"/v1/models/{model}:predict", "post", "predict", "TensorFlow Serving's predict, by instances or inputs; with a session for rows that follow those before", "Predict", "Predictions"},
	{"/v1/models/{model}:label", "post", "label", "CSV, TSV, JSON lines, Parquet or Arrow in, the same rows with labels out, or events with events=1", "File", "File"},
	{"/v1/models/{model}:stream", "post", "stream", "Rows as JSON lines in, a line for each answer out, while they come", "File", "File"},
	{"/v1/models/{model}/sessions/{session}", "get", "sessionState", "State of a session, to go on from in another server of the model", "", "File"},
	{"/v1/models/{model}/sessions/{session}", "put", "restoreSession", "Begin a session in a state", "File", ""},
	{"/v1/models/{model}/sessions/{session}", "delete", "endSession", "Forget a session", "", ""},
	{"/v2", "get", "server", "Open Inference Protocol: the server", "", "Any"},
	{"/v2/health/live", "get", "live", "Open Inference Protocol: the server runs", "", "Any"},
	{"/v2/health/ready", "get", "ready", "Open Inference Protocol: the server takes requests", "", "Any"},
	{"/v2/repository/index", "post", "repositoryIndex", "Open Inference Protocol: versions of all models", "Any", "Index"},
	{"/v2/models/{model}", "get", "modelMetadata", "Open Inference Protocol: tensors of a model", "", "Any"},
	{"/v2/models/{model}/ready", "get", "modelReady", "Open Inference Protocol: the model takes requests", "", "Any"},
	{"/v2/models/{model}/infer", "post", "infer", "Open Inference Protocol: label series", "Infer", "Any"},
	{"/healthz", "get", "healthz", "The server runs", "", "File"},
	{"/readyz", "get", "readyz", "The server takes requests", "", "File"},
	{"/metrics", "get", "metrics", "Counts for Prometheus", "", "File"},
}

// openAPI describes what the server answers, in OpenAPI's words.
func openAPI(version string) any {
	paths := object{}
	for _, m := range operations {
		operation := object{"operationId": m.id, "summary": m.about, "responses": responses(m.answer)}
		if m.body != "" {
			operation["requestBody"] = object{"required": true, "content": content(m.body)}
		}
		if all := parameters(m.path, m.id); len(all) > 0 {
			operation["parameters"] = all
		}
		if paths[m.path] == nil {
			paths[m.path] = object{}
		}
		paths[m.path].(object)[m.method] = operation
	}
	return object{
		"openapi":    "3.0.3",
		"info":       object{"title": "rnnbin", "version": version, "description": "Labels every row of time series with trained models."},
		"paths":      paths,
		"components": object{"schemas": schemas(), "securitySchemes": object{"token": object{"type": "http", "scheme": "bearer"}}},
		"security":   list{object{}, object{"token": list{}}},
	}
}

type (
	object = map[string]any
	list   = []any
)

// parameters are those of a path and of its address.
func parameters(path, id string) (all list) {
	for _, name := range []string{"model", "session"} {
		if strings.Contains(path, "{"+name+"}") {
			all = append(all, object{"name": name, "in": "path", "required": true, "schema": object{"type": "string"}})
		}
	}
	if id != "label" && id != "stream" {
		return all
	}
	for name, about := range map[string]string{
		"probabilities": "1: the probability of each class, too", "events": "1: find events", "format": "of the answer, by default that of the rows",
		"threshold-off": "an event lasts while the positive class has at least this probability", "merge-gap": "join events that are this far apart, or less", "min-length": "leave out shorter events",
	} {
		if name != "format" || id == "label" {
			all = append(all, object{"name": name, "in": "query", "description": about, "schema": object{"type": "string"}})
		}
	}
	return all
}

// responses are the answers, and the error that may take their place.
func responses(answer string) object {
	well := object{"description": "the answer"}
	code := "200"
	switch answer {
	case "":
		code = "204"
	default:
		well["content"] = content(answer)
	}
	return object{code: well, "default": object{"description": "an error, and where it is", "content": content("Error")}}
}

func content(schema string) object {
	if schema == "File" {
		return object{"text/plain": object{"schema": object{"type": "string"}}}
	}
	return object{"application/json": object{"schema": object{"$ref": "#/components/schemas/" + schema}}}
}

// schemas are those of the bodies.
func schemas() object {
	text, whole, number := object{"type": "string"}, object{"type": "integer"}, object{"type": "number"}
	of := func(schema any) object { return object{"type": "array", "items": schema} }
	fields := func(of object, required ...any) object {
		o := object{"type": "object", "properties": of}
		if len(required) > 0 {
			o["required"] = list(required)
		}
		return o
	}
	series := of(of(of(number)))
	answers := object{probabilitiesName: of(of(number)), labelsName: of(text)}
	tensor := object{"name": text, "datatype": text, "shape": of(whole), "data": object{}, "parameters": object{"type": "object"}}
	return object{
		"Any":    object{"type": "object"},
		"Index":  of(object{"type": "object"}),
		"Error":  fields(object{"error": text}, "error"),
		"Models": fields(object{"models": of(object{"type": "object"})}, "models"),
		"Status": fields(object{"model_version_status": of(fields(object{"version": text, "state": text, "status": object{"type": "object"}}))}),
		"Predict": fields(object{
			"signature_name": text, "instances": object{"description": "[batch, steps, features], or a list of {\"series\": [steps, features]}, with the signature lengths also \"lengths\": steps that count"},
			"inputs": object{"description": "[batch, steps, features], or {\"series\": that}, with the signature lengths also \"lengths\": [batch]"}, "session": text, "end": object{"type": "boolean"},
		}),
		"Predictions": fields(object{
			"predictions": of(fields(answers)), "outputs": fields(object{probabilitiesName: series, labelsName: of(of(text))}), "session": text, "first": whole,
		}),
		"Infer": fields(object{"id": text, "inputs": of(fields(tensor, "name", "datatype", "shape")), "outputs": of(fields(object{"name": text}))}, "inputs"),
	}
}
