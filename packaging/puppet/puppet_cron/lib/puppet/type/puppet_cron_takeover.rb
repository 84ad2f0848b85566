# frozen_string_literal: true

Puppet::Type.newtype(:puppet_cron_takeover) do
  @doc = <<~DOC
    @summary Takes over from everything else that runs Puppet on this node, and gives it back.

    There is one of it, for class `puppet_cron`. What it takes over from:

    - Puppet's own service, which is stopped and disabled;
    - systemd timers whose service runs `puppet agent` or `puppet apply`: stopped and disabled;
    - lines that do so in /etc/crontab, in /etc/cron.d and in root's crontab: commented out,
      behind `#puppet-cron#`;
    - scripts that do so in /etc/cron.hourly and /etc/cron.daily: no longer executable.

    With `ensure => absent` exactly that is given back. What is to be known for it is in
    /etc/puppet-cron/replaced.json.
  DOC

  newparam(:name, namevar: true) do
    desc 'Any name: what is taken over is the same.'
  end

  newproperty(:ensure) do
    desc '`present`: nothing but puppet-cron runs Puppet. `absent`: whatever ran it before does again.'
    newvalues(:present, :absent)
    defaultto :present

    def retrieve
      others = provider.others
      return others.empty? ? :present : :absent if should == :present

      provider.taken? ? :present : :absent
    end

    def set(value)
      value == :present ? provider.take : provider.give_back
    end

    def change_to_s(_current, wanted)
      (wanted == :present ? 'took over from ' : 'gave back ') + provider.told.join(', ')
    end
  end

  autorequire(:service) { 'puppet-cron' if self[:ensure] == :present }
end
