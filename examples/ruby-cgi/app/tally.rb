# Tally counts words.
module Tally
  WORD = /\p{L}+/

  def self.of(text)
    text.to_s.dup.force_encoding("UTF-8").downcase.scan(WORD).tally.sort_by { |word, count| [-count, word] }.to_h
  end
end
