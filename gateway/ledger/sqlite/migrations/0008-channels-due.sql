-- What is asked again and again of channels is found without looking at those that nothing is to be done for.
CREATE INDEX channels_closing ON channels (close_requested_at) WHERE close_requested_at IS NOT NULL AND finalized = 0;
