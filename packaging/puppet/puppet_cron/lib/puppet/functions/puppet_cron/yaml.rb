# frozen_string_literal: true

require 'yaml'

# @summary The text of a configuration file: settings that are undef stay out of it.
Puppet::Functions.create_function(:'puppet_cron::yaml') do
  # @param settings What is to be in the file, sections in sections.
  # @return [String] YAML, below a line that says whose file it is.
  dispatch :yaml do
    param 'Hash', :settings
    return_type 'String'
  end

  def yaml(settings)
    said = settled(settings)
    "# Written by Puppet, by its module puppet_cron: changes by hand are lost.\n" +
      (said.empty? ? '' : said.to_yaml.delete_prefix("---\n"))
  end

  def settled(settings)
    settings.each_with_object({}) do |(key, value), all|
      value = settled(value) if value.is_a?(Hash)
      all[key] = value unless value.nil? || value == :undef || value == {}
    end
  end
end
