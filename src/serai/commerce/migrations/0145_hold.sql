-- Held money that its provider lets us take once only: what is not taken then is let go.
ALTER TABLE commerce.pledge ADD COLUMN is_once boolean NOT NULL DEFAULT false;
