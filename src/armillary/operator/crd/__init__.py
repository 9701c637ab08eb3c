"""The custom resources as typed models: what users write, with the words that teach it. Pure."""
