"""What the pages of the configuration share: drafts, conditions and awards as forms and in words, differences."""
