// Command rnnbin labels every step of a time series with a recurrent network.
package main

func main() {}
