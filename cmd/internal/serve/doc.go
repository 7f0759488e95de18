// Package serve answers HTTP requests with the models of an [engine.Registry]: TensorFlow
// Serving's REST protocol, the Open Inference Protocol, and what both lack, files of rows and
// streams.
//
//	POST /v1/models/NAME[/versions/N|/labels/L]:predict   TensorFlow Serving: instances or inputs, also with a session
//	GET  /v1/models/NAME[/versions/N|/labels/L]           status of the versions
//	GET  /v1/models/NAME[/versions/N|/labels/L]/metadata  signature
//	GET  /v1/models                                       the models, and what is known of them
//	POST /v1/models/NAME[...]:label                       rows in, the same rows with labels out, or events
//	POST /v1/models/NAME[...]:stream                      JSON lines in and out as they come; GET upgrades to a WebSocket
//	GET, PUT, DELETE /v1/models/NAME/sessions/ID          the state of a session, to take it elsewhere; its end
//	/v2/...                                               Open Inference Protocol
//	GET  /healthz, /readyz, /metrics, /openapi.json
//
// What a model is fed is one tensor, series [batch, steps, features], as it was measured; what it
// gives are probabilities [batch, steps, classes] and labels [batch, steps], the names of the
// classes. A model of one feature also takes [batch, steps]. Where series end sooner, they are padded, and
// lengths [batch] tell how many steps of each count; what is answered to the others is 0 and "".
package serve
